//! Functions of several arguments, called with a tuple of them.

/// A function of two to six arguments that a tuple of them can be given to: what [`Pool::starmap`](super::Pool::starmap) takes.
///
/// Implemented for all of them, and for nothing else.
pub trait Star<A>: sealed::Sealed<A> + Copy + 'static {
    /// What it returns.
    type Output;
    #[doc(hidden)]
    fn call(&self, arguments: A) -> Self::Output;
}

mod sealed {
    pub trait Sealed<A> {}
}

macro_rules! star {
    ($( $($A:ident)+; )+) => { $(
        impl<Func, R, $($A),+> sealed::Sealed<($($A,)+)> for Func where Func: Fn($($A),+) -> R {}

        impl<Func, R, $($A),+> Star<($($A,)+)> for Func
        where
            Func: Fn($($A),+) -> R + Copy + 'static,
        {
            type Output = R;

            #[allow(non_snake_case)] // the macro's names are the types'
            fn call(&self, ($($A,)+): ($($A,)+)) -> R {
                self($($A),+)
            }
        }
    )+ };
}

star! {
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}
