//! What was to be reached, and was it?

use bench::{figure::Figure, servers::Server, wrk::Sample};

use crate::{
    flood::{CALLERS, FLOOD, Flood},
    load::Tokens,
    rows::{ROWS, Row},
};

/// All that was measured.
pub struct Measured {
    /// In the order of [`ROWS`].
    pub samples: Vec<Vec<Sample>>,
    pub flood: Flood,
    /// Of the smallest guarded server, in milliseconds.
    pub start: Figure,
    /// Of the same, in MiB.
    pub idle: Figure,
}

/// One goal.
pub struct Goal {
    pub what: String,
    /// As it is written in the document.
    pub goal: String,
    pub measured: String,
    pub is_reached: bool,
}

impl Measured {
    /// The samples of a row.
    pub fn of(&self, row: Row) -> &[Sample] {
        let place = ROWS.iter().position(|other| *other == row);
        place.map_or(&[], |place| &self.samples[place])
    }

    /// How many requests a second this row answers for one of the other, round by round.
    pub fn ratio(&self, row: Row, other: Row) -> Figure {
        let pairs = self.of(row).iter().zip(self.of(other));
        Figure::of(pairs.map(|(one, other)| one.rate / other.rate))
    }

    /// How much CPU the other row takes for each request, for one of this: the same question, asked of the server alone.
    pub fn ratio_of_cpu(&self, row: Row, other: Row) -> Figure {
        let pairs = self.of(row).iter().zip(self.of(other));
        Figure::of(pairs.map(|(one, other)| other.cpu / one.cpu))
    }

    /// The goals in the order of the document.
    pub fn goals(&self) -> Vec<Goal> {
        let many = Tokens::Good(1000);
        let row = |server, tokens| Row { server, tokens, connections: 32 };
        let bare = row(Server::Axum, many);
        let layer = |tokens| row(Server::AxumLayer, tokens);
        let (open, guarded) = (row(Server::Rmcp, many), row(Server::RmcpLayer, many));
        let at_least = |what: &str, one, other, goal: f64| {
            let (rate, cpu) = (self.ratio(one, other), self.ratio_of_cpu(one, other));
            Goal {
                what: what.to_owned(),
                goal: format!("≥ {goal:.2}"),
                measured: format!("{rate:.2}; by CPU {:.2}", cpu.median),
                is_reached: rate.median >= goal,
            }
        };
        let at_most = |what: String, figure: Figure, unit: &str, goal: f64| Goal {
            what,
            goal: format!("≤ {goal}{unit}"),
            measured: format!("{figure:.1}{unit}"),
            is_reached: figure.median <= goal,
        };
        vec![
            at_least("a cached token, of bare axum", layer(many), bare, 0.75),
            at_least("a token never seen, of bare axum", layer(Tokens::Fresh), bare, 0.25),
            at_least(
                "cache off, of a hand-written middleware",
                row(Server::AxumLayerNoCache, many),
                row(Server::AxumByHand, many),
                1.0,
            ),
            at_least("a cheap refusal, of bare axum", layer(Tokens::WrongAudience), bare, 0.80),
            at_least("rmcp behind the layer, of rmcp open", guarded, open, 0.95),
            at_least(
                "rmcp behind the layer, of rmcp with a hand-written middleware",
                guarded,
                row(Server::RmcpByHand, many),
                1.5,
            ),
            at_most(
                format!(
                    "p99 of {CALLERS} cached callers in a flood of bad signatures from {FLOOD} connections, of the same in quiet"
                ),
                self.flood.ratio,
                "",
                3.0,
            ),
            at_most("start until the first good answer".to_owned(), self.start, " ms", 15.0),
            at_most("memory when idle".to_owned(), self.idle, " MiB", 6.0),
        ]
    }
}
