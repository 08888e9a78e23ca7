//! Ctrl-C and SIGTERM, for a command that has something to put in order before it ends.

use crate::exit::Failure;
use crate::node::ONE_WISH;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the command may take to put things in order, if nobody asks a second time: a broker that does not answer must not hold it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Exit codes of a process that a signal ended, as a shell and the JVM give them.
const INTERRUPTED: u8 = 130;
const TERMINATED: u8 = 143;

/// Whether somebody wants the command to end.
#[derive(Clone, Debug)]
pub struct Interrupt {
    /// The exit code; 0: nobody does.
    code: Arc<AtomicU8>,
}

impl Interrupt {
    /// From here on the first signal is only noted. The next one after [`ONE_WISH`] ends the process, and so does [`PATIENCE`].
    pub fn watch() -> Result<Self, Failure> {
        let this = Self { code: Arc::default() };
        let code = Arc::clone(&this.code);
        listen(code).map_err(|why| Failure::failed(format!("signals cannot be listened to: {why}")))?;
        Ok(this)
    }

    /// The exit code to end with, if the command is to end.
    pub fn code(&self) -> Option<u8> {
        Some(self.code.load(Ordering::Acquire)).filter(|code| *code != 0)
    }
}

fn listen(code: Arc<AtomicU8>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _within = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::Builder::new().name("esker-signals".into()).spawn(move || {
        runtime.block_on(async {
            let first = next(&mut interrupt, &mut terminate).await;
            code.store(first, Ordering::Release);
            let noted = Instant::now();
            let again = async {
                loop {
                    let code = next(&mut interrupt, &mut terminate).await;
                    if noted.elapsed() >= ONE_WISH {
                        return code;
                    }
                }
            };
            let second = tokio::time::timeout(PATIENCE, again).await;
            std::process::exit(second.unwrap_or(first).into());
        })
    })?;
    Ok(())
}

/// The exit code of the signal that comes next.
async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> u8 {
    tokio::select! {
        biased;
        _ = terminate.recv() => TERMINATED,
        _ = interrupt.recv() => INTERRUPTED,
    }
}
