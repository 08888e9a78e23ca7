//! Ctrl-C, SIGTERM, and SIGHUP (the terminal was closed), for a command that has something to put in order before it ends.

use crate::exit::Failure;
use crate::node::ONE_WISH;
use crate::rt::Signals;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// How long the command may take to put things in order, if nobody asks a second time: a broker that does not answer must not hold it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The exit code of a process that a signal ended is this more than the signal's number, as a shell and the JVM give it.
const BY_SIGNAL: u8 = 128;

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
        Signals::listen()?
    };
    std::thread::Builder::new().name("esker-signals".into()).spawn(move || {
        runtime.block_on(async {
            let first = BY_SIGNAL + signals.next().await;
            code.store(first, Ordering::Release);
            let noted = Instant::now();
            let again = async {
                loop {
                    let code = BY_SIGNAL + signals.next().await;
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
