//! What the vault asks of a database: statements with values, rows with values.
//!
//! Each statement's text stands once, in [`crate::queries`], in SQL that SQLite and PostgreSQL both take, with `$1`-style parameters.
//! A backend implements [`Session`] for its open transaction; only the tables are made by statements of its own.

use crate::Cause;
use keyshoal_core::Timestamp;

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// Writes the value in a form that no two values share.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Null => b"n".to_vec(),
            Self::Integer(number) => [b"i".as_slice(), &number.to_le_bytes()].concat(),
            Self::Text(text) => [b"t", text.as_bytes()].concat(),
            Self::Bytes(bytes) => [b"b", bytes.as_slice()].concat(),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Integer(i64::from(truth))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<keyshoal_seal::KeyId> for Value {
    fn from(id: keyshoal_seal::KeyId) -> Self {
        Self::Bytes(id.as_bytes().to_vec())
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.as_millisecond())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Makes a list of values from whatever becomes one.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::session::Value::from($value)),*] };
}
pub(crate) use values;

/// One transaction of a database.
pub(crate) trait Session {
    /// Runs a statement and returns how many rows it touched.
    fn execute(&self, sql: &str, values: &[Value]) -> Result<usize, Cause>;
    /// Runs a statement and returns its rows.
    fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Cause>;

    /// Returns the only row, if there is one.
    fn one(&self, sql: &str, values: &[Value]) -> Result<Option<Row>, Cause> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// Runs a statement that must touch exactly one row.
    fn touch(&self, sql: &str, values: &[Value]) -> Result<(), Cause> {
        match self.execute(sql, values)? {
            1 => Ok(()),
            touched => Err(Cause::Corrupt(format!("a statement for one row touched {touched}"))),
        }
    }
}

/// One row. What is asked of a column that holds something else is damage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    pub(crate) fn values(&self) -> &[Value] {
        &self.0
    }

    pub(crate) fn text(&self, at: usize) -> Result<&str, Cause> {
        self.maybe_text(at)?.ok_or_else(|| wrong(at, "text"))
    }

    pub(crate) fn maybe_text(&self, at: usize) -> Result<Option<&str>, Cause> {
        match self.0.get(at) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(wrong(at, "text")),
        }
    }

    pub(crate) fn string(&self, at: usize) -> Result<String, Cause> {
        self.text(at).map(str::to_owned)
    }

    pub(crate) fn maybe_string(&self, at: usize) -> Result<Option<String>, Cause> {
        Ok(self.maybe_text(at)?.map(str::to_owned))
    }

    pub(crate) fn integer(&self, at: usize) -> Result<i64, Cause> {
        match self.0.get(at) {
            Some(Value::Integer(number)) => Ok(*number),
            _ => Err(wrong(at, "a number")),
        }
    }

    pub(crate) fn counted<T: TryFrom<i64>>(&self, at: usize) -> Result<T, Cause> {
        T::try_from(self.integer(at)?).map_err(|_| wrong(at, "a number in its range"))
    }

    pub(crate) fn truth(&self, at: usize) -> Result<bool, Cause> {
        match self.integer(at)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(wrong(at, "0 or 1")),
        }
    }

    pub(crate) fn bytes(&self, at: usize) -> Result<&[u8], Cause> {
        self.maybe_bytes(at)?.ok_or_else(|| wrong(at, "bytes"))
    }

    pub(crate) fn maybe_bytes(&self, at: usize) -> Result<Option<&[u8]>, Cause> {
        match self.0.get(at) {
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Value::Null) => Ok(None),
            _ => Err(wrong(at, "bytes")),
        }
    }

    pub(crate) fn time(&self, at: usize) -> Result<Timestamp, Cause> {
        self.maybe_time(at)?.ok_or_else(|| wrong(at, "a time"))
    }

    pub(crate) fn maybe_time(&self, at: usize) -> Result<Option<Timestamp>, Cause> {
        match self.0.get(at) {
            Some(Value::Null) => Ok(None),
            _ => Timestamp::from_millisecond(self.integer(at)?).map(Some).map_err(|_| wrong(at, "a time")),
        }
    }

    pub(crate) fn uid(&self, at: usize) -> Result<uuid::Uuid, Cause> {
        self.text(at)?.parse().map_err(|_| wrong(at, "a UUID"))
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, at: usize) -> Result<T, Cause> {
        serde_json::from_str(self.text(at)?).map_err(|_| wrong(at, "JSON of its form"))
    }
}

fn wrong(at: usize, wanted: &str) -> Cause {
    Cause::Corrupt(format!("a row has something else than {wanted} in column {}", at + 1))
}

/// Writes a value as JSON. Domain values always can be.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, Cause> {
    serde_json::to_string(value).map_err(|error| Cause::refused(format!("cannot be written down: {error}")))
}
