//! An HTTPS front for the fake backend: a certificate authority of the test's own, and a relay that ends TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};

use super::{Backend, gateway::Folder};

/// Signs certificates that nobody else trusts. Its root is a PEM file for `weir.toml`.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub root_pem: String,
    folder: Folder,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Weir's tests");
        let key = KeyPair::generate().expect("a key");
        let root_pem = params.self_signed(&key).expect("a root certificate").pem();
        let folder = Folder::new();
        folder.write("root.pem", &root_pem);
        Self { issuer: Issuer::new(params, key), root_pem, folder }
    }

    pub fn root_file(&self) -> PathBuf {
        self.folder.0.join("root.pem")
    }

    fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names).expect("valid names");
        let certificate = params.signed_by(&key, &self.issuer).expect("a signed certificate");
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a PKCS#8 key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a key that fits its certificate");
        Arc::new(config)
    }
}

/// Speaks TLS at `addr` and passes the plain bytes on to a [`Backend`].
pub struct TlsFront {
    pub addr: SocketAddr,
    handshakes: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
}

impl TlsFront {
    /// `names` go into the certificate: `localhost`, `127.0.0.1`, or a wrong one to see it refused.
    pub fn start(backend: &Backend, authority: &Authority, names: &[&str]) -> Self {
        let config = authority.server(names);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let (handshakes, stopping) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let front = Self { addr, handshakes: Arc::clone(&handshakes), stopping: Arc::clone(&stopping) };
        let backend = backend.addr;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopping.load(SeqCst) {
                    return;
                }
                let (config, handshakes, stopping) =
                    (Arc::clone(&config), Arc::clone(&handshakes), Arc::clone(&stopping));
                thread::spawn(move || {
                    // A handshake that fails is often what a test is about.
                    let _ = relay(&stream, backend, config, &handshakes, &stopping);
                });
            }
        });
        front
    }

    /// Handshakes that came to an end.
    pub fn handshakes(&self) -> usize {
        self.handshakes.load(SeqCst)
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.addr.port())
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.stopping.store(true, SeqCst);
        let _ = TcpStream::connect(self.addr);
    }
}

/// Both directions by turns on sockets that do not block; a pause when neither has anything.
fn relay(
    mut outside: &TcpStream,
    backend: SocketAddr,
    config: Arc<ServerConfig>,
    handshakes: &AtomicUsize,
    stopping: &AtomicBool,
) -> io::Result<()> {
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    outside.set_nodelay(true)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut outside)?;
    }
    handshakes.fetch_add(1, SeqCst);
    let mut inside = TcpStream::connect(backend)?;
    inside.set_nodelay(true)?;
    inside.set_nonblocking(true)?;
    outside.set_nonblocking(true)?;

    let mut piece = [0; 16 * 1024];
    // A request may have come right behind the handshake's end.
    let state = tls.process_new_packets().map_err(io::Error::other)?;
    let mut to_inside = vec![0; state.plaintext_bytes_to_read()];
    tls.reader().read_exact(&mut to_inside)?;
    let mut inside_ended = false;
    while !stopping.load(SeqCst) {
        let mut idle = true;
        // From the client, unless the backend has not taken what came before.
        if to_inside.is_empty() && tls.wants_read() {
            match tls.read_tls(&mut outside) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    idle = false;
                    let state = tls.process_new_packets().map_err(io::Error::other)?;
                    let mut plain = vec![0; state.plaintext_bytes_to_read()];
                    tls.reader().read_exact(&mut plain)?;
                    to_inside = plain;
                    if state.peer_has_closed() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if !to_inside.is_empty() {
            match inside.write(&to_inside) {
                Ok(wrote) => {
                    to_inside.drain(..wrote);
                    idle = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        // From the backend, unless the client has not taken what came before.
        if !inside_ended && !tls.wants_write() {
            match inside.read(&mut piece) {
                Ok(0) => {
                    tls.send_close_notify();
                    inside_ended = true;
                }
                Ok(got) => {
                    tls.writer().write_all(&piece[..got])?;
                    idle = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        while tls.wants_write() {
            match tls.write_tls(&mut outside) {
                Ok(_) => idle = false,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if inside_ended && !tls.wants_write() {
            return Ok(());
        }
        if idle {
            thread::sleep(Duration::from_micros(200));
        }
    }
    Ok(())
}
