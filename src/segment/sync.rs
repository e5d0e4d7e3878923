//! What is in a segment at a path, brought to the disk.
//!
//! Without it the system writes a changed page when it gets to it, half a minute later or so, and everything when it is shut down.

use std::path::Path;

use super::home::Home;
use super::mapped::Segment;
use crate::error::Result;
use crate::platform::shm;

const WRITING: &str = "write the segment to the disk";

impl Segment {
    /// Writes all that changed to the disk, the file's name too, and returns when it is there. What others change meanwhile may be or not. Nothing
    /// is to be done for a segment that is gone when the machine stops.
    pub(crate) fn sync(&self) -> Result<()> {
        let home = self.home();
        let Home::At(path) = home else {
            return Ok(());
        };
        self.write_back().map_err(home.failed(WRITING))?;
        shm::sync(self.fd()).map_err(home.failed(WRITING))?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        shm::sync_directory(directory).map_err(home.failed(WRITING))
    }
}
