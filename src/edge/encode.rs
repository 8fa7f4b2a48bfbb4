//! Compresses an answer, piece by piece: a large body may not stop the core's other requests. Part of the spine.

use std::future::poll_fn;
use std::io::{self, Write};
use std::task::Poll;

use flate2::write::{GzEncoder, ZlibEncoder};

use super::transform::Coding;
use crate::net::buffer::Buffer;
use crate::settings::limits::ENCODE_PIECE_BYTES;

/// The levels are those where these libraries give most for their time: at the edge the core is dearer than the line.
const GZIP_LEVEL: u32 = 4;
const BROTLI_LEVEL: u32 = 4;
const BROTLI_WINDOW_BITS: u32 = 20;
const ZSTD_LEVEL: i32 = 3;

pub(super) async fn encode(coding: Coding, body: &[u8]) -> io::Result<Buffer> {
    let out = Vec::with_capacity(body.len() / 3 + 64);
    let out = match coding {
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(out, flate2::Compression::new(GZIP_LEVEL));
            write(&mut encoder, body).await?;
            encoder.finish()?
        }
        Coding::Deflate => {
            // RFC 9110 8.4.1.2: what is called deflate is zlib's format.
            let mut encoder = ZlibEncoder::new(out, flate2::Compression::new(GZIP_LEVEL));
            write(&mut encoder, body).await?;
            encoder.finish()?
        }
        Coding::Brotli => {
            let mut encoder = brotli::CompressorWriter::new(out, ENCODE_PIECE_BYTES, BROTLI_LEVEL, BROTLI_WINDOW_BITS);
            write(&mut encoder, body).await?;
            encoder.into_inner()
        }
        Coding::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?;
            write(&mut encoder, body).await?;
            encoder.finish()?
        }
    };
    Ok(Buffer::from(out))
}

async fn write(encoder: &mut impl Write, body: &[u8]) -> io::Result<()> {
    for (index, piece) in body.chunks(ENCODE_PIECE_BYTES).enumerate() {
        if index > 0 {
            let_others_run().await;
        }
        encoder.write_all(piece)?;
    }
    Ok(())
}

/// Goes to the end of the core's queue.
pub(super) async fn let_others_run() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
