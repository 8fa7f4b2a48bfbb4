//! A file as the body of an answer: piece by piece, so that its size does not matter. It is removed when it has been sent.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use futures_core::Stream;
use tokio::sync::mpsc;

const PIECE_BYTES: usize = 256 * 1024;

pub struct FileBody {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
}

impl FileBody {
    /// Reads on a thread that may wait for the disk.
    pub fn open(path: &Path) -> io::Result<Self> {
        let gone_at_the_end = Gone(path.to_owned());
        let mut file = File::open(path)?;
        let (send, pieces) = mpsc::channel(4);
        tokio::task::spawn_blocking(move || {
            let _gone_at_the_end = gone_at_the_end;
            loop {
                let mut piece = vec![0; PIECE_BYTES];
                let read = match file.read(&mut piece) {
                    Ok(0) => return,
                    Ok(length) => {
                        piece.truncate(length);
                        Ok(Bytes::from(piece))
                    }
                    Err(error) => Err(error),
                };
                let failed = read.is_err();
                // A client that has gone wants no more.
                if send.blocking_send(read).is_err() || failed {
                    return;
                }
            }
        });
        Ok(Self { pieces })
    }
}

impl Stream for FileBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_recv(context)
    }
}

struct Gone(PathBuf);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
