//! Accepts connections, within the limits on their number.

use crate::conn::{Conn, Entrance, Shared};
use crate::event::{Event, ToConn};
use crate::rt::{TcpListener, TcpStream};
use esker_core::id::ConnId;
use esker_core::io::Listener;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Names connections and counts them, over all listeners of a kind: however many clients come, controllers still reach each other.
#[derive(Debug)]
pub struct Doorkeeper {
    next: Arc<AtomicU64>,
    max: usize,
    max_per_ip: usize,
    open: Mutex<(usize, HashMap<IpAddr, usize>)>,
}

impl Doorkeeper {
    /// `next`: names that no connection has had.
    pub fn new(next: &Arc<AtomicU64>, max: usize, max_per_ip: usize) -> Self {
        Self { next: Arc::clone(next), max, max_per_ip, open: Mutex::default() }
    }

    fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_ip) = &mut *open;
        let same = by_ip.get(&from).copied().unwrap_or(0);
        if *all >= self.max || same >= self.max_per_ip {
            return None;
        }
        *all += 1;
        by_ip.insert(from, same + 1);
        Some(Place { keeper: Arc::clone(self), from })
    }
}

/// A connection's place among those allowed.
struct Place {
    keeper: Arc<Doorkeeper>,
    from: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.keeper.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_ip) = &mut *open;
        *all -= 1;
        if let Some(same) = by_ip.get_mut(&self.from) {
            *same -= 1;
            if *same == 0 {
                by_ip.remove(&self.from);
            }
        }
    }
}

/// Says that connections are refused: of clients to who looks closely, of nodes to everybody, and not more often than
/// [`TELL_EVERY`].
#[derive(Default)]
struct Refused {
    since: u64,
    told: Option<Instant>,
}

const TELL_EVERY: Duration = Duration::from_secs(10);

impl Refused {
    fn tell(&mut self, listener: Listener, from: IpAddr) {
        match listener {
            Listener::Broker => tracing::debug!("refused a connection from {from}: too many"),
            Listener::Controller => {
                self.since += 1;
                if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                    let count = std::mem::take(&mut self.since);
                    self.told = Some(Instant::now());
                    tracing::warn!(
                        "refused {count} connection(s) to a controller's listener, the last from {from}: it has as many as it may; \
                         nodes that it refuses cannot reach the quorum"
                    );
                }
            }
        }
    }
}

/// Serves one listener for ever.
pub async fn listen(socket: TcpListener, entrance: Entrance, keeper: Arc<Doorkeeper>, shared: Arc<Shared>) {
    let mut refused = Refused::default();
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => match keeper.admit(peer.ip()) {
                Some(place) => open(stream, entrance, place, &shared),
                None => {
                    shared.metrics.refused_connections.inc();
                    refused.tell(entrance.listener, peer.ip());
                }
            },
            Err(why) => {
                // Out of file descriptors, most likely: others will be closed.
                tracing::warn!("cannot accept a connection: {why}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn open(stream: TcpStream, entrance: Entrance, place: Place, shared: &Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let id = ConnId(place.keeper.next.fetch_add(1, Ordering::Relaxed));
    let (to_conn, from_core) = mpsc::unbounded_channel::<ToConn>();
    if shared.events.send(Event::Opened { conn: id, to_conn }).is_err() {
        return;
    }
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        shared.metrics.connections.inc();
        Conn::new(id, entrance, stream, Arc::clone(&shared), from_core).run().await;
        shared.metrics.connections.dec();
        drop(place);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_places() {
        let keeper = Arc::new(Doorkeeper::new(&Arc::default(), 4, 2));
        let [one, other] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
        let mut held: Vec<_> = (0..2).map(|_| keeper.admit(one).expect("a place")).collect();
        assert!(keeper.admit(one).is_none());
        held.extend((0..2).map(|_| keeper.admit(other).expect("a place of another's")));
        assert!(keeper.admit(IpAddr::from([10, 0, 0, 3])).is_none(), "four in all");
        held.remove(0);
        assert!(keeper.admit(one).is_some());
    }
}
