//! A TCP proxy between a node and a server, which can be made to fail in the ways networks do.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Carries everything.
    Open,
    /// Carries everything late: each piece waits so long, and goes at so many bytes a second.
    Slow { delay: Duration, bytes_per_second: u64 },
    /// Carries nothing. What was sent meanwhile arrives when it is open again.
    Held,
    /// Carries nothing, and connections that lived to see it never carry anything again, nor end.
    Lost,
    /// Connections are reset, new ones refused.
    Cut,
}

/// A listening proxy; everything ends when it is dropped.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    network: watch::Sender<Network>,
    /// How often connections were lost, so that they know even if they did not look.
    losses: Arc<AtomicU64>,
    _reserved: TcpSocket,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// In front of a server on this host.
    pub async fn start(target: u16) -> Self {
        // Bound as long as the proxy lives: while nobody listens, nobody else gets the port either.
        let reserved = bind(0);
        let address = reserved.local_addr().unwrap();
        let (network, watched) = watch::channel(Network::Open);
        let losses = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listen(address.port()), target, watched, losses.clone()));
        Self { address, network, losses, _reserved: reserved, _tasks: tasks }
    }

    /// Changes what the network does.
    pub fn set(&self, network: Network) {
        if network == Network::Lost {
            self.losses.fetch_add(1, Ordering::SeqCst);
        }
        self.network.send_replace(network);
    }
}

fn bind(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).unwrap();
    socket
}

fn listen(port: u16) -> TcpListener {
    bind(port).listen(128).unwrap()
}

async fn accept(listener: TcpListener, target: u16, network: watch::Receiver<Network>, losses: Arc<AtomicU64>) {
    let port = listener.local_addr().unwrap().port();
    let mut listener = Some(listener);
    let mut network_here = network.clone();
    let mut connections = JoinSet::new();
    loop {
        if *network_here.borrow_and_update() == Network::Cut {
            // Nobody listens: the system itself refuses.
            listener = None;
            if network_here.changed().await.is_err() {
                return;
            }
            continue;
        }
        let open = listener.get_or_insert_with(|| listen(port));
        tokio::select! {
            accepted = open.accept() => {
                let Ok((client, _)) = accepted else { continue };
                connections.spawn(Connection::new(network.clone(), losses.clone()).carry(client, target));
            }
            changed = network_here.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
        }
    }
}

struct Connection {
    network: watch::Receiver<Network>,
    losses: Arc<AtomicU64>,
    born: u64,
}

/// Why a connection ends.
enum End {
    /// One side closed it.
    Closed,
    /// The network resets it.
    Reset,
    /// It is lost: swallowed until the client gives up.
    Lost,
}

impl Connection {
    fn new(network: watch::Receiver<Network>, losses: Arc<AtomicU64>) -> Self {
        // One that begins in a lost network is lost as well.
        let lost = *network.borrow() == Network::Lost;
        let born = losses.load(Ordering::SeqCst).saturating_sub(u64::from(lost));
        Self { network, losses, born }
    }

    async fn carry(self, mut client: TcpStream, target: u16) {
        if self.permitted().await.is_err_and(|end| matches!(end, End::Lost)) {
            return swallow(client).await;
        }
        let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
            let _ = client.set_zero_linger();
            return;
        };
        // A host may connect a port with itself while nobody listens there.
        if server.local_addr().ok() == server.peer_addr().ok() {
            return;
        }
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let end = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            tokio::select! {
                end = self.pump(from_client, to_server) => end,
                end = self.pump(from_server, to_client) => end,
                end = self.broken() => end,
            }
        };
        match end {
            End::Closed => {}
            End::Reset => {
                let _ = (client.set_zero_linger(), server.set_zero_linger());
            }
            // The server does not hear of it either, until the client has given up.
            End::Lost => swallow(client).await,
        }
    }

    async fn pump(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> End {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let Ok(read @ 1..) = from.read(&mut buffer).await else {
                // A partition keeps the end of a connection back as well.
                return self.permitted().await.map_or_else(|end| end, |()| End::Closed);
            };
            if let Network::Slow { delay, bytes_per_second } = self.now() {
                tokio::time::sleep(delay + Duration::from_secs_f64(read as f64 / bytes_per_second as f64)).await;
            }
            if let Err(end) = self.permitted().await {
                return end;
            }
            if to.write_all(&buffer[..read]).await.is_err() {
                return End::Closed;
            }
        }
    }

    fn now(&self) -> Network {
        *self.network.borrow()
    }

    /// Returns when something may pass.
    async fn permitted(&self) -> Result<(), End> {
        let mut network = self.network.clone();
        loop {
            let now = *network.borrow_and_update();
            match now {
                _ if self.losses.load(Ordering::SeqCst) > self.born => return Err(End::Lost),
                Network::Cut => return Err(End::Reset),
                Network::Open | Network::Slow { .. } => return Ok(()),
                Network::Held | Network::Lost => {}
            }
            if network.changed().await.is_err() {
                return Err(End::Closed);
            }
        }
    }

    /// Returns when the network ends the connection by itself.
    async fn broken(&self) -> End {
        let mut network = self.network.clone();
        loop {
            if self.losses.load(Ordering::SeqCst) > self.born {
                return End::Lost;
            }
            if *network.borrow_and_update() == Network::Cut {
                return End::Reset;
            }
            if network.changed().await.is_err() {
                return End::Closed;
            }
        }
    }
}

/// Takes what the client sends until it gives up.
async fn swallow(mut client: TcpStream) {
    let mut buffer = vec![0; 4096];
    while let Ok(1..) = client.read(&mut buffer).await {}
}
