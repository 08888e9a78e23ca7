//! Ctrl-C, SIGTERM, and SIGHUP (the terminal was closed), for a command that has something to put in order before it ends.

use crate::exit::Failure;
use crate::node::ONE_WISH;
use crate::rt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the command may take to put things in order, if nobody asks a second time: a broker that does not answer must not hold it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Exit codes of a process that a signal ended, as a shell and the JVM give them.
const HUNG_UP: u8 = 129;
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
    let mut signals = {
        let _within = runtime.enter();
        // Under `nohup` a terminal that is closed is to end nothing.
        let hangup = if rt::ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hangup }
    };
    std::thread::Builder::new().name("esker-signals".into()).spawn(move || {
        runtime.block_on(async {
            let first = signals.next().await;
            code.store(first, Ordering::Release);
            let noted = Instant::now();
            let again = async {
                loop {
                    let code = signals.next().await;
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

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// The exit code of the signal that comes next.
    async fn next(&mut self) -> u8 {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = self.terminate.recv() => TERMINATED,
            _ = self.interrupt.recv() => INTERRUPTED,
            () = hangup => HUNG_UP,
        }
    }
}
