//! How much memory the decoders take, as the `weigh` program measures it: what counts every allocation would slow the
//! scoreboard itself.

use std::process::Command;

/// What a decoder may take beyond twice its input: what the terms of the largest region take, the answers of one lookup,
/// or one block of a file and what was read of it.
const BEYOND_BYTES_MAX: u64 = 32 << 10;
/// The decoders that are weighed.
const DECODERS: [&str; 5] = ["records", "frame", "segment", "index_file", "region"];

/// A decoder, the most it took in hundredths of its input, and the most it took beyond twice its input.
type Weight = (String, u64, u64);

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
    let weights: Vec<Weight> = text.lines().filter_map(parse).collect();
    let words: Vec<String> = weights.iter().map(words).collect();
    Ok((words.join(", "), judged(&weights)))
}

fn words((name, percent, beyond): &Weight) -> String {
    format!("{name} {:.1} x and {beyond} B beyond 2 x", *percent as f64 / 100.0)
}

fn parse(line: &str) -> Option<Weight> {
    let mut words = line.split(' ');
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Who took too much, and who was not weighed.
fn judged(weights: &[Weight]) -> Vec<String> {
    let heavy = weights.iter().filter(|(_, _, beyond)| *beyond > BEYOND_BYTES_MAX);
    let heavy = heavy.map(|(name, _, beyond)| format!("{name} takes {beyond} bytes beyond twice its input"));
    let is_missing = |name: &&&str| !weights.iter().any(|(of, _, _)| of == **name);
    let missing = DECODERS.iter().filter(is_missing).map(|name| format!("{name} was not weighed"));
    heavy.chain(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_takes_much_more_than_twice_its_input_is_told_and_one_that_was_not_weighed() {
        let of = |beyond: u64| -> Vec<Weight> {
            DECODERS.iter().filter_map(|name| parse(&format!("{name} 97 {beyond}"))).collect()
        };
        assert_eq!(judged(&of(BEYOND_BYTES_MAX)), Vec::<String>::new());
        assert_eq!(judged(&of(BEYOND_BYTES_MAX + 1)).len(), DECODERS.len());
        assert_eq!(judged(&of(0)[1..]), ["records was not weighed"]);
    }
}
