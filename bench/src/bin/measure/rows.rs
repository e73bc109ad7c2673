//! What is measured? One row of the document each: a server, the tokens that it is asked with, and how many ask at a time.

use bench::servers::Server;

use crate::load::Tokens;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub server: Server,
    pub tokens: Tokens,
    pub connections: usize,
}

const MANY: Tokens = Tokens::Good(1000);

const fn row(server: Server, tokens: Tokens, connections: usize) -> Row {
    Row { server, tokens, connections }
}

/// All rows. The first of each number of connections is bare axum, to which the others are compared.
pub const ROWS: [Row; 30] = [
    row(Server::Axum, MANY, 32),
    row(Server::AxumLayer, Tokens::Good(1), 32),
    row(Server::AxumLayer, MANY, 32),
    row(Server::AxumLayer, Tokens::Fresh, 32),
    row(Server::AxumLayer, Tokens::WrongAudience, 32),
    row(Server::AxumLayer, Tokens::BadSignature, 32),
    row(Server::AxumLayerNoCache, MANY, 32),
    row(Server::AxumByHand, MANY, 32),
    row(Server::Table, MANY, 32),
    row(Server::TableLayer, MANY, 32),
    row(Server::TableLayer, Tokens::Fresh, 32),
    row(Server::TableLayerNoCache, MANY, 32),
    row(Server::Rmcp, MANY, 32),
    row(Server::RmcpLayer, MANY, 32),
    row(Server::RmcpLayer, Tokens::Fresh, 32),
    row(Server::RmcpByHand, MANY, 32),
    row(Server::RmcpByHandCached, MANY, 32),
    row(Server::RmcpByHandCached, Tokens::Fresh, 32),
    row(Server::Axum, MANY, 1),
    row(Server::AxumLayer, MANY, 1),
    row(Server::AxumLayer, Tokens::Fresh, 1),
    row(Server::Rmcp, MANY, 1),
    row(Server::RmcpLayer, MANY, 1),
    row(Server::RmcpByHand, MANY, 1),
    row(Server::Axum, MANY, 512),
    row(Server::AxumLayer, MANY, 512),
    row(Server::AxumLayer, Tokens::Fresh, 512),
    row(Server::Rmcp, MANY, 512),
    row(Server::RmcpLayer, MANY, 512),
    row(Server::RmcpByHand, MANY, 512),
];

impl Row {
    /// The row that this one is compared with.
    pub fn bare(self) -> Self {
        row(Server::Axum, MANY, self.connections)
    }
}
