//! A WebSocket over loopback with an end to every wait and a bound to every frame.

use super::{GatewayError, sockets};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{
    Error, Message, WebSocket,
    error::{CapacityError, ProtocolError},
};

/// The largest message we read: a gateway's hello lists methods and health and stays well below.
pub const MAX_MESSAGE: usize = 8 << 20;
const CONNECT_LIMIT: Duration = Duration::from_millis(500);

/// What is waited for, and until when.
#[derive(Clone, Debug)]
pub struct Wait {
    what: String,
    limit: Duration,
    end: Instant,
}

impl Wait {
    /// Begins to wait for `what`, at most for `limit`.
    pub fn begin(what: impl Into<String>, limit: Duration) -> Self {
        Self { what: what.into(), limit, end: Instant::now() + limit }
    }

    /// Returns the error of a wait that was in vain.
    pub fn over(&self) -> GatewayError {
        GatewayError::Timeout { what: self.what.clone(), limit: self.limit }
    }

    /// Returns when it ends.
    pub fn end(&self) -> Instant {
        self.end
    }
}

/// A TCP stream whose reads and writes all end at one moment, however slowly the other side drips.
#[derive(Debug)]
pub struct Bounded {
    stream: TcpStream,
    deadline: Instant,
}

impl Bounded {
    /// Connects to a port of the loopback: IPv4 first, then IPv6.
    pub fn connect(port: u16, deadline: Instant) -> Result<Self, GatewayError> {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let mut hindered = None;
        for address in loopback {
            match TcpStream::connect_timeout(&SocketAddr::new(address, port), CONNECT_LIMIT) {
                Ok(stream) => {
                    // Small requests, each waiting for its answer: Nagle would only add delay. Failing to say so does no harm.
                    let _ = stream.set_nodelay(true);
                    return Ok(Self { stream, deadline });
                }
                Err(error) if nobody_listens(address, &error) => {}
                Err(error) => hindered = hindered.or(Some(error.to_string())),
            }
        }
        // A refusal says that nobody listens. Anything else says that we could not see.
        Err(match hindered {
            None => GatewayError::NotRunning { port },
            Some(why) => GatewayError::Unreachable { port, why },
        })
    }

    /// Returns the user whose process answers; `None` when it cannot be seen from here. Certain once it has said something.
    pub fn user(&self) -> Option<u32> {
        sockets::user_at(self.stream.peer_addr().ok()?, self.stream.local_addr().ok()?)
    }

    /// Sets the moment at which every wait ends.
    pub fn until(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Bounded {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A WebSocket to a port of the loopback that carries text.
#[derive(Debug)]
pub struct Wire {
    socket: WebSocket<Bounded>,
}

impl Wire {
    /// Connects and upgrades to WebSocket.
    pub fn open(port: u16, wait: &Wait) -> Result<Self, GatewayError> {
        let stream = Bounded::connect(port, wait.end)?;
        let config =
            WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
        let url = format!("ws://127.0.0.1:{port}/");
        let (socket, _) = tungstenite::client::client_with_config(url, stream, Some(config)).map_err(
            |error| match error {
                HandshakeError::Interrupted(_) => wait.over(),
                HandshakeError::Failure(Error::Io(error)) if is_timeout(&error) => wait.over(),
                HandshakeError::Failure(Error::Http(response)) => GatewayError::NotAGateway {
                    port,
                    why: format!("HTTP status {} instead of a WebSocket", response.status().as_u16()),
                },
                HandshakeError::Failure(error) => {
                    GatewayError::NotAGateway { port, why: line(&error.to_string()) }
                }
            },
        )?;
        Ok(Self { socket })
    }

    /// Returns the user whose process answers; see [`Bounded::user`].
    pub fn user(&self) -> Option<u32> {
        self.socket.get_ref().user()
    }

    /// Sends one text.
    pub fn send(&mut self, text: String, wait: &Wait) -> Result<(), GatewayError> {
        self.socket.get_mut().until(wait.end);
        self.socket.send(Message::text(text)).map_err(|error| failed(error, wait))
    }

    /// Waits for the next text.
    pub fn receive(&mut self, wait: &Wait) -> Result<String, GatewayError> {
        self.socket.get_mut().until(wait.end);
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(text.as_str().to_owned()),
                Ok(Message::Close(frame)) => return Err(closed(frame)),
                // Pings are answered by the library, pongs and frames are nothing to us, binary is nothing a gateway sends.
                Ok(_) => {}
                Err(error) => return Err(failed(error, wait)),
            }
        }
    }

    /// Says good-bye, as far as the other side listens. What is left unsaid does no harm.
    pub fn close(&mut self) {
        self.socket.get_mut().until(Instant::now() + Duration::from_millis(200));
        let _ = self.socket.close(None);
        let _ = self.socket.flush();
    }
}

fn failed(error: Error, wait: &Wait) -> GatewayError {
    let hung_up = || GatewayError::Closed { code: None, why: "it hung up".into() };
    match error {
        Error::Io(error) if is_timeout(&error) => wait.over(),
        Error::Io(error) => GatewayError::Closed { code: None, why: error.kind().to_string() },
        Error::ConnectionClosed | Error::AlreadyClosed => hung_up(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => hung_up(),
        Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => GatewayError::Protocol {
            why: format!("a message of {size} bytes, and at most {max_size} are read"),
        },
        other => GatewayError::Protocol { why: line(&other.to_string()) },
    }
}

fn closed(frame: Option<CloseFrame>) -> GatewayError {
    let (code, why) = frame.map_or((None, "without a reason".into()), |frame| {
        (Some(u16::from(frame.code)), line(frame.reason.as_str()))
    });
    GatewayError::Closed { code, why }
}

/// Tells whether an address of the loopback refused. A machine need not have IPv6, and then nobody listens there.
fn nobody_listens(address: IpAddr, error: &io::Error) -> bool {
    let no_such_address = [io::ErrorKind::AddrNotAvailable, io::ErrorKind::NetworkUnreachable];
    let no_such_family = Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
    error.kind() == io::ErrorKind::ConnectionRefused
        || (address.is_ipv6()
            && (no_such_address.contains(&error.kind()) || error.raw_os_error() == no_such_family))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Cuts a text of the other side to one line of bounded length without control characters.
pub fn line(text: &str) -> String {
    const LONGEST: usize = 300;
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    first.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}
