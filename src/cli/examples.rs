//! Examples for the help of every command; a test parses them all, so that none can be out of date. What arguments mean
//! stands beside them in the file of the command.

use clap::{Command, builder::StyledStr};

/// What `--help` of every command says of exit codes; `merit --help` has them in full.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 refused, 2 command line, 3 no answer, 4 done but something differs, \
                          5 local file, 6 damaged, 7 in use (more: merit --help)";

/// Commands by their path, each with what a user may type.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("demo", &["merit demo", "merit demo --data demo-data"]),
    (
        "serve",
        &[
            "merit serve --data merit-data",
            "merit serve --listen 127.0.0.1:7272 --log-format json --log-filter warn",
        ],
    ),
    (
        "import",
        &[
            "merit import --mapping pipeline.toml pipeline.csv",
            "merit import --collection customers customers.csv --validate-only",
        ],
    ),
    (
        "export",
        &[
            "merit export opportunities --filter 'stage = \"WON\"' --out won.csv",
            "merit export run q1-2026 --out q1.parquet",
        ],
    ),
    (
        "compute",
        &[
            "merit compute won-revenue win-rate --period 2026-Q1",
            "merit compute won-revenue --period FY2026 --roll-up reporting-line --filter 'region = \"North\"' -o csv",
        ],
    ),
    (
        "run",
        &[
            "merit run --period 2026-Q1 --step plugins/commission --top 20",
            "merit run --period 2026-03 --step pay=commission-2 --input pay.revenue=measure:won-revenue --final",
        ],
    ),
    ("cancel", &["merit cancel q1-2026"]),
    (
        "results",
        &[
            "merit results q1-2026 --order-by 'payout desc' --limit 10",
            "merit results q1-2026 --filter faulted -o csv",
        ],
    ),
    (
        "explain",
        &["merit explain q1-2026 anna", "merit explain q1-2026 anna --records commission.revenue -o csv"],
    ),
    ("replay", &["merit replay q1-2026"]),
    ("get", &["merit get customers acme", "merit get runs/q1-2026 -o json"]),
    (
        "list",
        &[
            "merit list opportunities --filter 'stage = \"WON\" AND amount > 1000' --order-by 'amount desc' --limit 20",
        ],
    ),
    ("create", &["merit create customers --id acme --set display_name='Acme Ltd' --set labels.region=North"]),
    ("update", &["merit update customers acme --set labels.region=South --clear sector"]),
    (
        "change",
        &[
            "merit change opportunities d-2026-17 --to WON --set close_date=2026-03-31 --set amount=1200",
            "merit change goals/quota-anna --to ACTIVE",
        ],
    ),
    ("delete", &["merit delete customers acme", "merit delete customers/acme --allow-missing"]),
    ("audit list", &["merit audit list --filter 'author = \"anna\"' --limit 50"]),
    (
        "audit verify",
        &[
            "merit audit verify",
            "merit audit verify --data merit-data --expect 12:5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a5e0a",
        ],
    ),
    ("status", &["merit status", "merit status -o json"]),
    ("backup create", &["merit backup create --data merit-data /backups/monday"]),
    ("backup verify", &["merit backup verify /backups/monday"]),
    ("backup restore", &["merit backup restore /backups/monday --data restored-data"]),
    ("completions", &["merit completions bash > ~/.local/share/bash-completion/completions/merit"]),
    (
        "plugin publish",
        &[
            "merit plugin publish commission --formula commission.formula --activate",
            "merit plugin publish scorecard --standard weighted_scorecard --parameters @scorecard.json",
        ],
    ),
    ("plugin approve", &["merit plugin approve commission-2"]),
    ("plugin activate", &["merit plugin activate commission-2"]),
    ("plugin retire", &["merit plugin retire commission-1"]),
    ("plugin compare", &["merit plugin compare q1-2026 commission-2 --top 5"]),
    ("plugin runs", &["merit plugin runs commission-1"]),
    ("plugin keygen", &["merit plugin keygen release.key"]),
    (
        "plugin trust",
        &[
            "merit plugin trust release d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "merit plugin trust release --remove",
        ],
    ),
    ("plugin sign", &["merit plugin sign commission --component commission.wasm --key release.key"]),
    ("plugin list", &["merit plugin list", "merit plugin list commission"]),
    ("plugin standard", &["merit plugin standard"]),
    (
        "plugin describe",
        &["merit plugin describe commission-1", "merit plugin describe --formula commission.formula"],
    ),
    (
        "plugin evaluate",
        &[
            "merit plugin evaluate commission-1 --input revenue=1200.50",
            "merit plugin evaluate --formula commission.formula --rows rows.jsonl",
        ],
    ),
    (
        "plugin explain",
        &[
            "merit plugin explain commission-1 --input revenue=1200.50",
            "merit plugin explain --component commission.wasm --case 'above the quota'",
        ],
    ),
    ("plugin new", &["merit plugin new commission --lang rust"]),
    (
        "plugin build",
        &["merit plugin build target/wasm32-unknown-unknown/release/commission.wasm -o commission.wasm"],
    ),
    ("plugin check", &["merit plugin check commission.wasm"]),
    ("plugin test", &["merit plugin test commission.wasm cases.toml"]),
    ("plugin bench", &["merit plugin bench commission.wasm --rows 10000"]),
];

/// The command and those below it, each with its examples and the exit codes in its help.
pub(super) fn explained(command: Command) -> Command {
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    below
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(&name, |below| explained_below(below, &name)))
}

fn explained_below(command: Command, path: &str) -> Command {
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = below.into_iter().fold(command, |command, name| {
        command.mut_subcommand(&name, |below| explained_below(below, &format!("{path} {name}")))
    });
    let Some((_, examples)) = EXAMPLES.iter().find(|(known, _)| *known == path) else { return command };
    let examples: String = examples.iter().map(|example| format!("  {example}\n")).collect();
    let shown = format!("Examples:\n{examples}\n{EXIT_CODES}");
    let long = command.get_after_long_help().map(StyledStr::to_string);
    let long = long.map_or_else(|| shown.clone(), |form| format!("{form}\n\n{shown}"));
    command.after_help(shown).after_long_help(long)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Arguments;

    /// The words of a line as a shell takes them apart, up to where it sends the output elsewhere.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for letter in line.split(" > ").next().unwrap_or_default().chars() {
            match letter {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(std::mem::take(&mut word)),
                other => word.push(other),
            }
        }
        words.push(word);
        words
    }

    #[test]
    fn every_example_is_taken() {
        for (path, examples) in EXAMPLES {
            for example in *examples {
                assert!(example.starts_with(&format!("merit {path}")), "{example} under {path}");
                if let Err(wrong) = Arguments::try_parse_from(words(example.split(" > ").next().unwrap())) {
                    panic!("{example}: {wrong}");
                }
            }
        }
    }

    fn leaves(command: &Command, path: &str, found: &mut BTreeSet<String>) {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            let path = format!("{path} {}", below.get_name()).trim().to_owned();
            if below.has_subcommands() {
                leaves(below, &path, found);
                continue;
            }
            let help = below.clone().render_long_help().to_string();
            assert!(help.contains("Examples:\n  merit ") && help.contains("Exit codes: 0"), "{path}: {help}");
            found.insert(path);
        }
    }

    #[test]
    fn every_command_has_an_example() {
        let mut found = BTreeSet::new();
        leaves(&explained(Arguments::command()), "", &mut found);
        let known: BTreeSet<String> = EXAMPLES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(found, known);
    }

    #[test]
    fn what_there_is_fits_a_screen() {
        let help = explained(Arguments::command()).render_help().to_string();
        assert!(help.lines().count() <= 42, "{help}");
        assert!(help.lines().all(|line| line.len() <= 100), "{help}");
    }
}
