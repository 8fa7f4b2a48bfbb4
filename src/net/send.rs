//! Writing all of a buffer, plain or behind TLS.

use std::io;

use monoio::io::{AsyncWriteRent, OwnedWriteHalf};
use monoio::net::TcpStream;

use super::buffer::Buffer;

#[inline]
pub(super) async fn write_all(half: &mut OwnedWriteHalf<TcpStream>, buffer: Buffer) -> (io::Result<()>, Buffer) {
    let mut buffer = buffer;
    let mut sent = 0;
    let outcome = loop {
        if buffer.is_empty() {
            break Ok(());
        }
        let (written, rest) = half.write(buffer).await;
        buffer = rest;
        match written {
            Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                buffer.advance(n);
                sent += n;
            }
            Err(error) => break Err(error),
        }
    };
    buffer.rewind(sent);
    (outcome, buffer)
}
