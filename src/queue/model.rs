//! Model-checked histories of the algorithm.
