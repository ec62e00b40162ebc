//! The statements of an open transaction of SQLite.

use crate::Cause;
use crate::session::{Row, Session, Value};
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// An open transaction.
pub(crate) struct Statements<'a>(pub(crate) &'a Connection);

impl Session for Statements<'_> {
    fn execute(&self, sql: &str, values: &[Value]) -> Result<usize, Cause> {
        let mut statement = self.0.prepare_cached(&numbered(sql)).map_err(Cause::database)?;
        statement.execute(rusqlite::params_from_iter(values)).map_err(Cause::database)
    }

    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Cause> {
        let mut statement = self.0.prepare_cached(&numbered(sql)).map_err(Cause::database)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(Cause::database)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(Cause::database)? {
            let values = (0..columns).map(|at| row.get_ref(at).map_err(Cause::database).and_then(value));
            found.push(Row(values.collect::<Result<_, _>>()?));
        }
        Ok(found)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(stored: ValueRef<'_>) -> Result<Value, Cause> {
    Ok(match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(_) => return Err(Cause::Corrupt("a column holds a fraction".to_owned())),
        ValueRef::Text(text) => Value::Text(
            std::str::from_utf8(text)
                .map_err(|_| Cause::Corrupt("a text is not UTF-8".to_owned()))?
                .to_owned(),
        ),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    })
}

/// Turns `$1` into `?1`: SQLite takes `$1` for a name, and would number names as they come.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn parameters_keep_their_numbers() {
        let connection = Connection::open_in_memory().unwrap();
        let rows = Statements(&connection)
            .query("SELECT $2, $1, $2", &[Value::Integer(1), Value::Text("two".to_owned())])
            .unwrap();
        let two = Value::Text("two".to_owned());
        assert_eq!(rows[0].values(), [two.clone(), Value::Integer(1), two]);
    }

    #[test]
    fn every_statement_is_taken() {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection).unwrap();
        for text in crate::queries::ALL {
            connection.prepare(&numbered(text)).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
}
