//! TLS toward backends: rustls driven by hand, bytes in and bytes out.

use std::cell::RefCell;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use monoio::io::{AsyncReadRent, OwnedReadHalf, OwnedWriteHalf};
use monoio::net::TcpStream;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConnection, RootCertStore};

use super::buffer::{Buffer, Filling};
use super::send::write_all;
use crate::settings::limits::HEAD_BUFFER_BYTES;

/// What every connection to a backend shares: roots, ciphers, resumption.
pub type ClientConfig = Arc<rustls::ClientConfig>;
pub type ServerName = rustls::pki_types::ServerName<'static>;

/// Roots of the system and those of the given PEM files. Sentences name the file that could not be used.
pub fn client_config(extra_roots: &[impl AsRef<Path>]) -> Result<ClientConfig, Vec<String>> {
    let mut roots = RootCertStore::empty();
    // A system without a root store is no error: the operator may bring the roots, or have no HTTPS backend.
    for certificate in rustls_native_certs::load_native_certs().certs {
        let _ = roots.add(certificate);
    }
    let mut refused = Vec::new();
    for path in extra_roots {
        let path = path.as_ref();
        if let Err(reason) = add_roots(&mut roots, path) {
            refused.push(format!("{}: {reason}", path.display()));
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| vec![format!("TLS cannot be set up: {error}")])?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The same roots, as a client of another library takes them. Files are read, not judged: [`client_config`] does that.
pub fn root_certificates(extra_roots: &[impl AsRef<Path>]) -> Result<Vec<CertificateDer<'static>>, Vec<String>> {
    let mut certificates = rustls_native_certs::load_native_certs().certs;
    let mut refused = Vec::new();
    for path in extra_roots {
        let path = path.as_ref();
        let read = CertificateDer::pem_file_iter(path).and_then(|found| found.collect::<Result<Vec<_>, _>>());
        match read {
            Ok(found) => certificates.extend(found),
            Err(error) => refused.push(format!("{}: {error}", path.display())),
        }
    }
    if refused.is_empty() { Ok(certificates) } else { Err(refused) }
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let mut found = 0_usize;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        found += 1;
    }
    if found == 0 { Err("no certificate in it".to_owned()) } else { Ok(()) }
}

/// A DNS name or an IP address, as a certificate can carry it.
pub fn server_name(host: &str) -> Option<ServerName> {
    ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).ok()
}

pub struct Reader {
    tcp: OwnedReadHalf<TcpStream>,
    session: Rc<RefCell<ClientConnection>>,
    records: Buffer,
}

pub struct Writer {
    tcp: OwnedWriteHalf<TcpStream>,
    session: Rc<RefCell<ClientConnection>>,
}

pub(super) async fn connect(
    tcp_read: OwnedReadHalf<TcpStream>,
    tcp_write: OwnedWriteHalf<TcpStream>,
    config: &ClientConfig,
    name: &ServerName,
) -> io::Result<(Reader, Writer)> {
    let mut connection = ClientConnection::new(Arc::clone(config), name.clone()).map_err(io::Error::other)?;
    // Bounded by what one `write_all` brings: a body buffer.
    connection.set_buffer_limit(None);
    let session = Rc::new(RefCell::new(connection));
    let mut reader = Reader { tcp: tcp_read, session: Rc::clone(&session), records: Buffer::none() };
    let mut writer = Writer { tcp: tcp_write, session };
    loop {
        writer.flush().await?;
        if !writer.session.borrow().is_handshaking() {
            return Ok((reader, writer));
        }
        if !reader.receive().await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

impl Reader {
    /// Whether neither records nor plaintext wait here.
    pub(super) fn is_quiet(&self) -> bool {
        let mut session = self.session.borrow_mut();
        let nothing = matches!(session.reader().fill_buf(), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        self.records.is_empty() && nothing
    }

    /// Reads what one record or more bring. 0 is an end that the peer announced; an end without word is an error,
    /// because whoever cuts the connection could else make a body look complete.
    pub(super) async fn read(&mut self, buffer: Buffer) -> (io::Result<usize>, Buffer) {
        let mut buffer = buffer;
        loop {
            match self.take(&mut buffer) {
                Ok(n) => return (Ok(n), buffer),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return (Err(error), buffer),
            }
            match self.receive().await {
                Ok(true) => {}
                Ok(false) => return (Err(io::ErrorKind::UnexpectedEof.into()), buffer),
                Err(error) => return (Err(error), buffer),
            }
        }
    }

    fn take(&mut self, buffer: &mut Buffer) -> io::Result<usize> {
        let mut session = self.session.borrow_mut();
        let mut plain = session.reader();
        let chunk = plain.fill_buf()?;
        let n = chunk.len().min(buffer.room());
        buffer.push(&chunk[..n]);
        plain.consume(n);
        Ok(n)
    }

    /// Brings records into the session, from the socket where none are left over. False is the end of the socket.
    async fn receive(&mut self) -> io::Result<bool> {
        if self.records.is_empty() {
            let records = if self.records.capacity() == 0 { Buffer::head() } else { std::mem::take(&mut self.records) };
            let (read, Filling(records)) = self.tcp.read(Filling(records)).await;
            self.records = records;
            if read? == 0 {
                return Ok(false);
            }
        }
        // One bite at a time: the session refuses more while it holds plaintext that nobody took.
        let mut session = self.session.borrow_mut();
        let mut bytes: &[u8] = &self.records;
        let taken = session.read_tls(&mut bytes)?;
        self.records.consume(taken);
        session.process_new_packets().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if self.records.is_empty() {
            self.records = Buffer::none();
        }
        Ok(true)
    }
}

impl Writer {
    pub(super) async fn write_all(&mut self, buffer: Buffer) -> (io::Result<()>, Buffer) {
        let taken = self.session.borrow_mut().writer().write_all(&buffer);
        if let Err(error) = taken {
            return (Err(error), buffer);
        }
        (self.flush().await, buffer)
    }

    async fn flush(&mut self) -> io::Result<()> {
        loop {
            let mut records = Buffer::body();
            {
                let mut session = self.session.borrow_mut();
                while session.wants_write() && records.len() < HEAD_BUFFER_BYTES {
                    session.write_tls(&mut Sink(&mut records))?;
                }
            }
            if records.is_empty() {
                return Ok(());
            }
            write_all(&mut self.tcp, records).await.0?;
        }
    }

    pub(super) fn tcp(&mut self) -> &mut OwnedWriteHalf<TcpStream> {
        &mut self.tcp
    }
}

struct Sink<'b>(&'b mut Buffer);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
