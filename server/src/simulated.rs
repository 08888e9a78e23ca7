//! A node of the full-stack simulation: everything but the data folder, the threads and the admin port is the server's own.

use crate::event::Event;
use crate::exit::Failure;
use crate::metrics::Metrics;
use crate::node::{self, Parts};
use esker_core::config::NodeConfig;
use std::sync::Arc;
use tokio::sync::mpsc;

pub use crate::disk::{Completed, Disk, Source};
pub use crate::rt::{OwnedReadHalf, OwnedWriteHalf, Seen, TcpStream, bury, observe, reset, set_wall_offset, unbury};

/// Where a disk says what is complete.
pub type Report = Box<dyn Fn(Completed) + Send + Sync>;

/// Runs a node on the disk that `disk` makes, until it ends; `ready` is called once, when it serves. An error is one line.
pub async fn run(
    mut config: NodeConfig,
    disk: impl FnOnce(Report) -> Arc<dyn Disk>,
    ready: impl FnOnce() + Send + 'static,
) -> Result<(), Failure> {
    let doors = node::open_doors(&mut config).await?;
    let (events, inbox) = mpsc::unbounded_channel();
    let of_disk = events.clone();
    let disk = disk(Box::new(move |completed| drop(of_disk.send(Event::Disk(completed)))));
    let ready = Box::new(ready);
    let metrics = Arc::<Metrics>::default();
    node::run(Parts { config, doors, disk, metrics, events, inbox, connections_max: usize::MAX, ready }).await
}
