//! A file as the body of an answer. It is removed when it has been sent.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::pieces::Pieces;

const PIECE_BYTES: usize = 256 * 1024;

pub fn open(path: &Path) -> io::Result<Pieces> {
    let gone_at_the_end = Gone(path.to_owned());
    let mut file = File::open(path)?;
    Ok(Pieces::made(move |outlet| {
        let _gone_at_the_end = gone_at_the_end;
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            match file.read(&mut piece) {
                Ok(0) => return Ok(Ok(())),
                Ok(length) => piece.truncate(length),
                Err(error) => return Ok(Err(error)),
            }
            outlet.send(piece)?;
        }
    }))
}

struct Gone(PathBuf);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
