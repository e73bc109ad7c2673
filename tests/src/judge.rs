//! Is it so? Asks promises of a target, one after the other, and reports.

use std::{fmt, time::Duration};

use crate::{
    Kept, Promise, Target,
    contracts::{self, ended::Ended},
    wire,
};

/// How long a promise may take to be found out.
const PATIENCE: Duration = Duration::from_secs(120);

/// What can be asked of a server.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// A promise of a contract.
    Promise(&'static Promise),
    /// One that a later step ends: kept until then, broken from then on.
    Ended(&'static Ended),
    /// One that only the wire can show.
    Wire(&'static Promise),
}

/// What came of a question.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The promise is kept.
    Kept,
    /// It is broken; the sentence says how.
    Broken(String),
    /// It could not be asked; the sentence says what is missing.
    NotAsked(String),
}

/// One promise, found out.
#[derive(Clone, Debug)]
pub struct Line {
    /// The promise.
    pub question: Question,
    /// What came of it.
    pub answer: Outcome,
}

/// What was found out.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// A line per promise, in the order of asking.
    pub lines: Vec<Line>,
}

impl Question {
    /// The promise behind the question.
    #[must_use]
    pub fn promise(&self) -> &'static Promise {
        match self {
            Self::Promise(promise) | Self::Wire(promise) => promise,
            Self::Ended(ended) => &ended.promise,
        }
    }
}

impl Report {
    /// The promises that were broken.
    pub fn broken(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| matches!(line.answer, Outcome::Broken(_)))
    }

    /// Was everything asked, and all of it kept?
    #[must_use]
    pub fn is_kept(&self) -> bool {
        let kept = |line: &Line| matches!(line.answer, Outcome::Kept);
        !self.lines.is_empty() && self.lines.iter().all(kept)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Promise { name, proves, says, .. } = self.promise();
        write!(f, "{name}: {says}")?;
        if let Self::Ended(Ended { until, why, .. }) = self {
            write!(f, "; ends with step {until}: {why}")?;
        }
        if proves.is_empty() { Ok(()) } else { write!(f, " ({proves})") }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.question.promise().name;
        match &self.answer {
            Outcome::Kept => write!(f, "ok         {name}"),
            Outcome::Broken(sentence) => write!(f, "BROKEN     {name}: {sentence}"),
            Outcome::NotAsked(sentence) => write!(f, "not asked  {name}: {sentence}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.lines.iter().filter(|line| !matches!(line.answer, Outcome::Kept)) {
            writeln!(f, "{line}")?;
        }
        write!(f, "{} promises, {} broken", self.lines.len(), self.broken().count())
    }
}

/// All that is asked of a server of this step over HTTP.
#[must_use]
pub fn questions(step: u8) -> Vec<Question> {
    let promises = contracts_to(step);
    let wire = wire::promises(step).into_iter().map(Question::Wire);
    promises.into_iter().chain(wire).collect()
}

/// Contracts 1 to this step, with the promises that end.
fn contracts_to(step: u8) -> Vec<Question> {
    let promises = (1..=step).flat_map(contracts::of);
    let promises = promises.filter(|promise| !contracts::ended::has_ended(step, promise));
    let promises = promises.map(Question::Promise);
    let ended = contracts::ended::PROMISES.iter().filter(|ended| ended.from <= step);
    promises.chain(ended.map(Question::Ended)).collect()
}

/// Asks one question.
pub async fn ask(target: &Target, question: Question) -> Line {
    let answer = match question {
        Question::Wire(_) if target.wire().is_none() => Outcome::NotAsked(
            "it needs a URL that begins with http://, without a proxy in between".into(),
        ),
        _ if question.promise().signs && target.issuer().is_none() => {
            Outcome::NotAsked("it needs the keys that the server trusts (--keys-dir)".into())
        }
        Question::Ended(ended) if ended.until <= target.step => {
            match find_out(target, &ended.promise).await {
                Ok(()) => Outcome::Broken(format!("it still holds, but {}", ended.why)),
                Err(_) => Outcome::Kept,
            }
        }
        _ => find_out(target, question.promise())
            .await
            .map_or_else(Outcome::Broken, |()| Outcome::Kept),
    };
    Line { question, answer }
}

async fn find_out(target: &Target, promise: &Promise) -> Kept {
    let found = tokio::time::timeout(PATIENCE, (promise.check)(target)).await;
    found.unwrap_or_else(|_| Err(format!("nothing was found out within {} s", PATIENCE.as_secs())))
}

/// Asks these questions.
pub async fn all(target: &Target, questions: impl IntoIterator<Item = Question>) -> Report {
    let mut report = Report::default();
    for question in questions {
        report.lines.push(ask(target, question).await);
    }
    report
}

/// Asks the contracts 1 to the target's step, and whether what has ended has ended.
pub async fn contracts(target: &Target) -> Report {
    all(target, contracts_to(target.step)).await
}
