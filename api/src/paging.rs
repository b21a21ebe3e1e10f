//! Lists by pages, with their total: those below `/v1/identity`.

use crate::operation::{Parameter, Shape};
use crate::query::Query;

/// `page`.
pub const PAGE: Parameter =
    Parameter { name: "page", shape: Shape::Integer(1, i64::MAX), meaning: "Which page, from 1." };
/// `page_size`.
pub const PAGE_SIZE: Parameter = Parameter {
    name: "page_size",
    shape: Shape::Integer(1, 200),
    meaning: "Rows of a page, 1 to 200; 50 if not given.",
};

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Paging {
    page: usize,
    page_size: usize,
}

impl Paging {
    /// As the query says.
    pub fn of(query: &mut Query) -> Self {
        let page = query.integer(PAGE.name, (1, i64::MAX)).and_then(|page| usize::try_from(page).ok());
        let page_size = query.integer(PAGE_SIZE.name, (1, 200)).and_then(|size| usize::try_from(size).ok());
        Self { page: page.unwrap_or(1), page_size: page_size.unwrap_or(50) }
    }

    /// The rows of the page; none past the end.
    pub fn cut<T>(self, rows: Vec<T>) -> Vec<T> {
        let before = (self.page - 1).saturating_mul(self.page_size);
        rows.into_iter().skip(before).take(self.page_size).collect()
    }
}
