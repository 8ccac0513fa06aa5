//! A large JSON document: parsed as a tree of values, changed, written, and parsed as structures.

use crate::input::{Checksum, HashMap, Sequence, WORDS};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A customer, as an application would declare it.
#[derive(Debug, Serialize, Deserialize)]
struct Customer {
    id: u64,
    name: String,
    active: bool,
    balance: f64,
    tags: Vec<String>,
    address: Address,
    history: Vec<Event>,
    attributes: BTreeMap<String, String>,
    email: Option<String>,
}

/// Where a customer lives.
#[derive(Debug, Serialize, Deserialize)]
struct Address {
    street: String,
    city: String,
    zip: String,
}

/// What a customer did.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    at: u64,
    kind: String,
    amount: f64,
    note: Option<String>,
}

/// Works on a document of `size` customers; the checksum.
pub fn run(size: u64) -> Result<u64, String> {
    let text = document(size);
    let mut checksum = Checksum::default();
    let changed = change(&text)?;
    checksum.bytes(changed.as_bytes());
    drop(text);
    let mut customers: Vec<Customer> = serde_json::from_str(&changed).map_err(|error| error.to_string())?;
    drop(changed);
    summarise(&customers, &mut checksum);
    customers.retain(|customer| customer.active);
    let written = serde_json::to_string(&customers).map_err(|error| error.to_string())?;
    checksum.bytes(written.as_bytes());
    Ok(checksum.value())
}

/// The document as text.
fn document(size: u64) -> String {
    let mut numbers = Sequence::new(1);
    let mut text = String::from("[");
    for id in 0..size {
        if id > 0 {
            text.push(',');
        }
        customer(&mut text, id, &mut numbers);
    }
    text.push(']');
    text
}

fn customer(text: &mut String, id: u64, numbers: &mut Sequence) {
    let (first, last) = (numbers.pick(&WORDS), numbers.pick(&WORDS));
    let (street, city) = (numbers.pick(&WORDS), numbers.pick(&WORDS));
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        r#"{{"id":{id},"name":"{first} {last}","email":"{first}.{last}{id}@{city}.example","active":{},"balance":{}.{:02},"address":{{"street":"{street} road {}","city":"{city}","zip":"{:05}"}},"tags":["#,
        numbers.below(4) > 0,
        numbers.below(10_000),
        numbers.below(100),
        numbers.below(300),
        numbers.below(100_000),
    );
    list(text, numbers, 6, |text, numbers| {
        let _ = write!(text, r#""{}-{}""#, numbers.pick(&WORDS), numbers.below(100));
    });
    text.push_str(r#"],"history":["#);
    list(text, numbers, 8, event);
    text.push_str(r#"],"attributes":{"#);
    for (place, word) in WORDS.iter().take(numbers.below(6) as usize).enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let _ = write!(text, r#"{comma}"{word}":"{:x}""#, numbers.next() >> (8 * place));
    }
    text.push_str("}}");
}

fn event(text: &mut String, numbers: &mut Sequence) {
    let (at, kind) =
        (1_700_000_000 + numbers.below(50_000_000), numbers.pick(&["order", "refund", "visit", "call"]));
    let _ = write!(
        text,
        r#"{{"at":{at},"kind":"{kind}","amount":{}.{},"note":"#,
        numbers.below(900),
        numbers.below(10)
    );
    if numbers.below(3) == 0 {
        text.push_str("null}");
        return;
    }
    text.push_str("\"said \\\"");
    for _ in 0..numbers.length(24) {
        text.push_str(numbers.pick(&WORDS));
        text.push(' ');
    }
    text.push_str("\\\"\"}");
}

fn list(text: &mut String, numbers: &mut Sequence, most: u64, item: impl Fn(&mut String, &mut Sequence)) {
    for place in 0..numbers.below(most) {
        if place > 0 {
            text.push(',');
        }
        item(text, numbers);
    }
}

/// The text of the document with every customer changed and some more.
fn change(text: &str) -> Result<String, String> {
    let mut document: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut numbers = Sequence::new(2);
    let mut more = Vec::new();
    for customer in &mut document {
        let Some(fields) = customer.as_object_mut() else { return Err("a customer is no object".into()) };
        if numbers.below(2) == 0
            && let Some(Value::String(email)) = fields.remove("email")
        {
            fields["attributes"]["contact"] = Value::String(email.to_uppercase());
        }
        if let Some(tags) = fields["tags"].as_array_mut() {
            tags.push(Value::String(format!("seen-{}", numbers.below(1000))));
            tags.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        }
        if let Some(history) = fields["history"].as_array_mut() {
            history.retain(|event| event["kind"] != "call");
        }
        if numbers.below(8) == 0 {
            more.push(customer.clone());
        }
    }
    document.append(&mut more);
    serde_json::to_string(&document).map_err(|error| error.to_string())
}

/// Groups the customers by city and adds up what they did.
fn summarise(customers: &[Customer], checksum: &mut Checksum) {
    let mut cities: HashMap<String, Vec<(u64, String)>> = HashMap::default();
    let mut notes: BTreeMap<String, u64> = BTreeMap::new();
    let mut total = 0.0;
    for customer in customers {
        cities.entry(customer.address.city.clone()).or_default().push((customer.id, customer.name.clone()));
        total += customer.balance;
        for event in &customer.history {
            total += event.amount;
            if let Some(note) = &event.note {
                *notes.entry(note.chars().take(16).collect()).or_default() += 1;
            }
        }
    }
    let mut cities: Vec<_> = cities.into_iter().collect();
    cities.sort();
    for (city, people) in &cities {
        checksum.bytes(city.as_bytes());
        people.iter().for_each(|(id, _)| checksum.number(*id));
    }
    for (note, count) in &notes {
        checksum.bytes(note.as_bytes());
        checksum.number(*count);
    }
    checksum.number(total.to_bits());
}
