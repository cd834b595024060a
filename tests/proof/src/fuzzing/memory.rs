//! How much memory the decoders take, as the `weigh` program measures it: what counts every allocation would slow the
//! scoreboard itself.

use std::process::Command;

/// Memory of a decoder in hundredths of its input. The doors copy the input up to four times, into a mended copy and onto
/// a simulated disk; a file of the index is read through a cache of 256 KiB, which is much beside a file of 40.
const PERCENT_MAX: [(&str, u64); 5] =
    [("records", 400), ("frame", 400), ("segment", 700), ("index_file", 2_500), ("region", 400)];
/// Memory for an input that is smaller than 4 KiB.
const SMALL_BYTES_MAX: u64 = 64 << 10;

/// What each decoder took, in words, and what is too much.
pub(super) fn weighed() -> Result<(String, Vec<String>), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut weigh = Command::new(cargo);
    weigh.args(["run", "--quiet", "--release", "--manifest-path", manifest, "--bin", "weigh"]);
    let output = weigh.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let weights: Vec<(String, u64, u64)> = text.lines().filter_map(parse).collect();
    let words = weights.iter().map(|(name, percent, small)| words(name, *percent, *small));
    Ok((words.collect::<Vec<_>>().join(", "), weights.iter().filter_map(judge).collect()))
}

fn words(name: &str, percent: u64, small: u64) -> String {
    match percent {
        0 => format!("{name} {small} B"),
        _ => format!("{name} {:.1} x", percent as f64 / 100.0),
    }
}

fn parse(line: &str) -> Option<(String, u64, u64)> {
    let mut words = line.split(' ');
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

fn judge((name, percent, small): &(String, u64, u64)) -> Option<String> {
    let limit = PERCENT_MAX.iter().find(|(of, _)| of == name).map_or(0, |(_, limit)| *limit);
    let is_much = *percent > limit || *small > SMALL_BYTES_MAX;
    is_much.then(|| format!("{name} takes {percent} hundredths of its input, {small} bytes of a small one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_takes_much_more_than_its_input_is_told() {
        let judged = |line| judge(&parse(line).unwrap());
        assert_eq!(judged("segment 464 14892"), None);
        assert!(judged("segment 900 14892").is_some());
        assert!(judged("region 0 1000000").is_some());
        assert!(judged("stranger 1 1").is_some());
    }
}
