//! What the kernel says of a process.

use std::io;
use std::time::Duration;

/// Unit of processor times in /proc, the same on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Memory that it holds, in bytes.
pub(crate) fn resident_bytes(id: u32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    let kilobytes: Option<u64> = kilobytes.and_then(|number| number.parse().ok());
    Ok(kilobytes.ok_or(io::ErrorKind::InvalidData)? * 1_024)
}

/// Processor time that all its threads have used, in user and in kernel mode.
pub(crate) fn processor_time(id: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name in parentheses may hold anything; the 14th and 15th field are the 12th and 13th behind it.
    let (_, fields) = stat.rsplit_once(')').ok_or(io::ErrorKind::InvalidData)?;
    let ticks: Vec<u32> = fields.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    match ticks.as_slice() {
        [user, kernel] => Ok(TICK * (user + kernel)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
