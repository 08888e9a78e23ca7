//! `esker serve`: runs a node.

use crate::exit::{Code, Failure};
use crate::properties;
use crate::serve::{Setup, serve};
use clap::Args;
use esker_core::config::Given;
use std::path::PathBuf;
use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_subscriber::EnvFilter;

const AFTER: &str = "\
Exit codes: 0 stopped in order (SIGTERM, ctrl-C, SIGHUP), 1 anything not named here, 2 wrong command line, 3 configuration not accepted, 4 data folder refused (another node's, \
another cluster's, Apache Kafka's, in use, or its journal is damaged or gone), 5 address not to be had, 6 storage failed, 130 ended at once \
by a second signal. \
RUST_LOG sets what is logged (by default info with a file, warn without). \
--set admin.listen=127.0.0.1:9644 opens a port with /metrics (OpenMetrics), /healthz and /readyz; without it there is none.";

/// Where records go when nobody says: in the folder the command was started in, never in a temporary one.
const DATA: &str = "esker-data";

#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Serve {
    /// A Kafka server.properties; without it one node that needs no other
    properties: Option<PathBuf>,
    /// The data folder (log.dirs) [default: ./esker-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where clients connect [default: 127.0.0.1:9092]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Any config by Kafka's name; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// Lines of the log that wait to be written.
const LINES_WAITING: usize = 10_000;

/// A panic is a bug of ours: nothing that the process knows can be relied on any more, so none of its threads goes on. (The simulator,
/// in the same binary, counts panics as failures of a seed.)
fn abort_on_panic() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        std::process::abort();
    }));
}

impl Serve {
    pub fn run(self) -> Result<(), Failure> {
        // Whoever gave a file runs a service and wants to know; whoever gave none reads one line.
        let level = if self.properties.is_some() { "info" } else { "warn" };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
        // Nobody waits for who reads them, or does not: what is too much is left out. They are written to the end when `_written` goes.
        let (writer, _written) =
            NonBlockingBuilder::default().buffered_lines_limit(LINES_WAITING).finish(std::io::stderr());
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).log_internal_errors(false);
        lines.with_target(false).with_ansi(colours).init();
        abort_on_panic();
        serve(self.setup()?)
    }

    /// Puts file and options together: an option beats the file.
    fn setup(self) -> Result<Setup, Failure> {
        let config = |line: String| Failure::new(Code::Config, line);
        let mut file = match &self.properties {
            None => alone(),
            Some(path) => {
                let bytes = std::fs::read(path).map_err(|why| config(format!("{}: {why}", path.display())))?;
                properties::parse(&properties::decode(&bytes))
                    .map_err(|(line, why)| config(format!("{} line {line}: {why}", path.display())))?
            }
        };
        for pair in &self.set {
            let (name, value) =
                pair.split_once('=').ok_or_else(|| config(format!("--set {pair}: NAME=VALUE is needed")))?;
            file.insert(name.trim().into(), value.trim().into());
        }
        if let Some(address) = &self.listen {
            listen_at(&mut file, address);
        }
        if let Some(data) = self.data {
            // As it is: a list would end at commas, and a text at what is no UTF-8.
            file.insert("log.dirs".into(), data.display().to_string());
            return Ok(Setup { file, data });
        }
        let data = data_folder(&file).map_err(config)?;
        if !["log.dirs", "log.dir"].iter().any(|name| file.contains_key(*name)) {
            // Whoever asks for the configs is told where the records are.
            file.insert("log.dirs".into(), DATA.into());
        }
        Ok(Setup { file, data })
    }
}

/// One node that is broker and controller, and its own quorum: its controller needs no port.
fn alone() -> Given {
    let pairs = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.quorum.voters", "1@127.0.0.1:9093"),
        ("controller.listener.names", "CONTROLLER"),
        ("listeners", "PLAINTEXT://127.0.0.1:9092"),
        ("offsets.topic.replication.factor", "1"),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// Replaces the client listeners; those of controllers stay.
fn listen_at(file: &mut Given, address: &str) {
    let controllers = file.get("controller.listener.names").cloned().unwrap_or_default();
    let is_controller = |entry: &str| {
        let name = entry.split("://").next().unwrap_or("");
        controllers.split(',').any(|one| one.trim().eq_ignore_ascii_case(name.trim()))
    };
    let kept = |file: &Given, key: &str| -> Vec<String> {
        let all = file.get(key).cloned().unwrap_or_default();
        all.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty() && is_controller(entry))
            .map(String::from)
            .collect()
    };
    let name = file.get("inter.broker.listener.name").cloned().unwrap_or_else(|| "PLAINTEXT".into());
    let mut listeners = vec![format!("{name}://{address}")];
    listeners.extend(kept(file, "listeners"));
    file.insert("listeners".into(), listeners.join(","));
    let advertised = kept(file, "advertised.listeners");
    file.remove("advertised.listeners");
    if !advertised.is_empty() {
        file.insert("advertised.listeners".into(), advertised.join(","));
    }
}

fn data_folder(file: &Given) -> Result<PathBuf, String> {
    let given = ["log.dirs", "log.dir"].into_iter().find_map(|name| file.get(name)).map_or(DATA, |text| text.trim());
    let mut folders = given.split(',').map(str::trim).filter(|folder| !folder.is_empty());
    match (folders.next(), folders.next()) {
        (Some(one), None) => Ok(PathBuf::from(one)),
        (None, _) => Ok(PathBuf::from(DATA)),
        (Some(_), Some(_)) => {
            Err("log.dirs names several folders; one is served: give the one on the best disk".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_core::config::{Identity, NodeConfig};

    fn options(set: &[&str], listen: Option<&str>) -> Serve {
        let set = set.iter().map(|pair| pair.to_string()).collect();
        Serve { properties: None, data: None, listen: listen.map(String::from), set }
    }

    #[test]
    fn alone_is_a_whole_configuration() {
        let setup = options(&[], None).setup().unwrap();
        assert_eq!(setup.data, PathBuf::from("esker-data"));
        let accepted = NodeConfig::accept(setup.file, Identity::default()).unwrap();
        assert!(accepted.config.is_alone() && accepted.idle.is_empty());
        assert_eq!(accepted.config.doors.len(), 1);
    }

    #[test]
    fn options_beat_the_file() {
        let setup = options(&["num.partitions = 7", "log.dirs=/x"], Some("0.0.0.0:19092")).setup().unwrap();
        assert_eq!(setup.file.get("num.partitions").map(String::as_str), Some("7"));
        assert_eq!(setup.file.get("listeners").map(String::as_str), Some("PLAINTEXT://0.0.0.0:19092"));
        assert_eq!(setup.data, PathBuf::from("/x"));
        let other_name = options(&["log.dir=/y"], None).setup().unwrap();
        assert_eq!((other_name.data, other_name.file.get("log.dirs")), (PathBuf::from("/y"), None));
        assert!(options(&["num.partitions"], None).setup().is_err());
        assert!(options(&["log.dirs=/a,/b"], None).setup().is_err());
    }

    #[test]
    fn another_client_address_keeps_the_controllers() {
        let mut file = alone();
        file.insert("listeners".into(), "PLAINTEXT://:1,CONTROLLER://127.0.0.1:2".into());
        file.insert("advertised.listeners".into(), "PLAINTEXT://a:1".into());
        listen_at(&mut file, "127.0.0.1:5");
        assert_eq!(file.get("listeners").map(String::as_str), Some("PLAINTEXT://127.0.0.1:5,CONTROLLER://127.0.0.1:2"));
        assert_eq!(file.get("advertised.listeners"), None);
    }
}
