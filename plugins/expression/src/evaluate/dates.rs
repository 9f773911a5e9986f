//! The date functions.

use super::Frame;
use super::lane::{Data, Lane, merge_all};
use super::numbers::whole_at;
use super::rowwise;
use crate::date;
use crate::fault::{FINE, NO_DATE};
use crate::text::check::Node;
use crate::text::functions::Function;

pub(crate) fn evaluate<'f>(
    function: Function,
    node: &Node,
    lanes: &[Lane<'f>],
    frame: &Frame<'f>,
) -> Lane<'f> {
    let status = merge_all(lanes);
    let one = lanes.iter().all(Lane::is_one);
    match function {
        Function::Year | Function::Month | Function::Day => {
            let days = lanes[0].days();
            rowwise::numbers(node, frame, 0, status, one, |row| {
                let (year, month, day) = date::civil(days.get(row));
                Ok(match function {
                    Function::Year => i128::from(year),
                    Function::Month => i128::from(month),
                    _ => i128::from(day),
                })
            })
        }
        Function::Days => {
            let (end, start) = (lanes[0].days(), lanes[1].days());
            rowwise::numbers(node, frame, 0, status, one, |row| {
                Ok(i128::from(end.get(row)) - i128::from(start.get(row)))
            })
        }
        Function::Date | Function::Edate | Function::Eomonth | Function::AddDays => {
            let (days, status) = rowwise::values(node, frame, status, one, |row| {
                let number = |at: usize| whole_at(&lanes[at], row);
                let found = match function {
                    Function::Date => date::day_number(number(0)?, number(1)?, number(2)?),
                    Function::Edate => date::add_months(lanes[0].days().get(row), number(1)?),
                    Function::Eomonth => date::end_of_month(lanes[0].days().get(row), number(1)?),
                    _ => date::add_days(lanes[0].days().get(row), number(1)?),
                };
                found.ok_or(NO_DATE)
            });
            Lane { data: Data::Date(days), status }
        }
        _ => Lane::empty(node.kind, FINE),
    }
}
