//! The words of a command line in the order in which they are understood: what stands before the command and is meant for it
//! goes behind it.

use std::ffi::OsString;

/// Flags with a value that people write before the command.
const BEFORE: [&str; 7] = ["--server", "--ca", "--team", "--author", "--timeout", "--output", "-o"];

/// The words with flags of the command behind it, where they stood before. What ends with `--` goes on being the end.
pub(super) fn in_order(words: Vec<OsString>) -> Vec<OsString> {
    let mut rest = words.into_iter().peekable();
    let (mut ordered, mut moved): (Vec<OsString>, Vec<OsString>) =
        (rest.next().into_iter().collect(), Vec::new());
    while let Some(word) = rest.next_if(|word| is_before(&word.to_string_lossy())) {
        let whole = word.to_string_lossy().contains('=');
        moved.push(word);
        if !whole {
            moved.extend(rest.next());
        }
    }
    ordered.extend(rest);
    let end = ordered.iter().position(|word| word == "--").unwrap_or(ordered.len());
    ordered.splice(end..end, moved);
    ordered
}

fn is_before(word: &str) -> bool {
    BEFORE.contains(&word.split_once('=').map_or(word, |(flag, _)| flag))
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn what_is_meant_for_the_command_stands_behind_it() {
        let check = |words: &str, expected: &str| {
            let ordered = in_order(words.split(' ').map(Into::into).collect());
            let ordered: Vec<_> = ordered.iter().map(|word| word.to_string_lossy()).collect();
            assert_eq!(ordered.join(" "), expected);
        };
        check("merit --team acme list customers", "merit list customers --team acme");
        check(
            "merit --server=http://a -o json get customers c",
            "merit get customers c --server=http://a -o json",
        );
        check("merit --team a delete customers -- -x", "merit delete customers --team a -- -x");
        check("merit list customers --team acme", "merit list customers --team acme");
        check("merit --version", "merit --version");
        check("merit --unknown x list", "merit --unknown x list");
        check("merit --team", "merit --team");
        check("merit", "merit");
    }
}
