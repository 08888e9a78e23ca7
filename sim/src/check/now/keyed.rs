//! What compaction goes by is there: a compacted topic takes no record without a key. And what clients may not write is not in the log: no
//! control batch comes from them.

use super::Broken;
use crate::client::batch::lacks_key;
use esker_core::batch::Batches;
use esker_core::io::DiskOp;
use esker_core::log::LogConfig;

/// A leader appends to its log.
pub fn on_appended(folder: &str, op: &DiskOp, config: &LogConfig) -> Result<(), Broken> {
    let DiskOp::Append { bytes, .. } = op else { return Ok(()) };
    for (header, batch) in bytes.iter().flat_map(|part| Batches::of(part)) {
        let lacks = config.compact_policy && !header.is_control() && lacks_key(batch);
        judge(folder, header.base_offset().0, header.is_control(), lacks)?;
    }
    Ok(())
}

fn judge(folder: &str, base: i64, control: bool, lacks: bool) -> Result<(), Broken> {
    let what = match (control, lacks) {
        (true, _) => "a control batch",
        (_, true) => "a record without a key, and is compacted",
        (false, false) => return Ok(()),
    };
    Err(("not-for-clients", format!("takes at {base} of {folder} {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::batch::{Sender, Shape, control, encode};
    use esker_core::id::{DirId, Offset};
    use esker_core::io::{FileId, FileName};

    #[test]
    fn what_no_client_may_write_is_caught() {
        let judge = |keyed, controls, compact_policy| {
            let batch = encode(&[1], Shape { keyed, ..Shape::plain(8) }, 0, Sender::PLAIN);
            let bytes = vec![if controls { control(&batch) } else { batch }];
            let file = FileId::new(DirId(1), FileName::Log(Offset(0)));
            let config = LogConfig { compact_policy, ..LogConfig::default() };
            let op = DiskOp::Append { file, at: 0, bytes, sync: true };
            on_appended("t-0", &op, &config).map_err(|broken| broken.0)
        };
        assert_eq!((judge(false, false, false), judge(true, false, true)), (Ok(()), Ok(())));
        assert_eq!(
            (judge(false, false, true), judge(true, true, false)),
            (Err("not-for-clients"), Err("not-for-clients"))
        );
    }
}
