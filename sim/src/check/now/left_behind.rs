//! What a broker sends to change the metadata, for itself or for a client, is not done when it arrives on a connection that it has left for a
//! newer one: it has asked again since, and what became of that would be undone.

use super::{At, Broken};
use crate::table::{Map, Set};
use esker_core::id::{ConnId, NodeId};
use esker_core::io::{Lane, Listener, Request};

#[derive(Debug, Default)]
pub struct LeftBehind {
    /// The newest connection of each broker to a node, by the lane.
    newest: Map<(usize, Lane, NodeId), ConnId>,
    late: Set<(usize, At)>,
}

impl LeftBehind {
    pub fn on_start(&mut self, node: usize) {
        self.newest.retain(|(of, ..), _| *of != node);
        self.late.retain(|(of, _)| *of != node);
    }

    /// Whether the request comes late: nobody has to expect anything of it.
    pub fn on_request(&mut self, node: usize, request: &Request) -> bool {
        let Some((lane, from)) = Lane::sender(&request.client_id) else { return false };
        if request.listener != Listener::Controller {
            return false;
        }
        let newest = self.newest.entry((node, lane, from)).or_insert(request.conn);
        *newest = request.conn.max(*newest);
        let late = *newest != request.conn;
        if late {
            self.late.insert((node, (request.conn, request.seq)));
        }
        late
    }

    pub fn on_reply(&self, node: usize, at: At) -> Result<(), Broken> {
        if !self.late.contains(&(node, at)) {
            return Ok(());
        }
        Err(("late-done", format!("does what came on {}, which its sender has left", at.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::{ApiKey, ApiVersionsRequest};
    use kafka_protocol::protocol::StrBytes;

    fn request(conn: u64, client: &'static str) -> Request {
        Request {
            conn: ConnId(conn),
            seq: 0,
            listener: Listener::Controller,
            door: 0,
            client_id: StrBytes::from_static_str(client),
            client_host: StrBytes::new(),
            key: ApiKey::ApiVersions,
            version: 0,
            body: ApiVersionsRequest::default().into(),
            checks: Vec::new(),
        }
    }

    #[test]
    fn what_is_late_and_answered_is_caught() {
        let mut left = LeftBehind::default();
        assert!(!left.on_request(0, &request(3, "esker-1-control")));
        assert!(!left.on_request(0, &request(5, "esker-1-control")));
        assert!(
            !left.on_request(0, &request(4, "esker-1-forward")) && !left.on_request(0, &request(4, "esker-2-control"))
        );
        assert!(!left.on_request(0, &request(3, "esker-1")) && !left.on_request(1, &request(3, "esker-1-control")));
        assert!(left.on_request(0, &request(3, "esker-1-control")));
        assert_eq!(left.on_reply(0, (ConnId(3), 0)).unwrap_err().0, "late-done");
        assert!(left.on_reply(0, (ConnId(5), 0)).is_ok());
        left.on_start(0);
        assert!(left.on_reply(0, (ConnId(3), 0)).is_ok());
    }
}
