//! A small language of expressions: its tokens, its tree, derivatives, and values.

use crate::input::HashMap;

/// A part of the text.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(i64),
    Name(String),
    Sign(char),
}

/// An expression as a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A number.
    Number(i64),
    /// A variable.
    Name(String),
    /// A sum (`+`), a difference (`-`) or a product (`*`) of two expressions.
    Both(char, Box<Expression>, Box<Expression>),
    /// A function of some expressions.
    Call(String, Vec<Expression>),
}

use Expression::{Both, Call, Name, Number};

/// The tokens of `text`.
fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = |wanted: fn(char) -> bool| rest.find(|next| !wanted(next)).unwrap_or(rest.len());
        let length = match first {
            ' ' => 1,
            '0'..='9' => {
                let length = end(|next| next.is_ascii_digit());
                tokens
                    .push(Token::Number(rest[..length].parse().map_err(|_| format!("`{rest}`: too large"))?));
                length
            }
            'a'..='z' => {
                let length = end(|next| next.is_ascii_lowercase());
                tokens.push(Token::Name(rest[..length].to_owned()));
                length
            }
            '+' | '-' | '*' | '(' | ')' | ',' => {
                tokens.push(Token::Sign(first));
                1
            }
            other => return Err(format!("`{other}` is no part of an expression")),
        };
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// The tree of `text`.
pub fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable() };
    let tree = parser.sum()?;
    match parser.tokens.next() {
        None => Ok(tree),
        Some(token) => Err(format!("{token:?} after the end of an expression")),
    }
}

/// What is left to be parsed.
struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn sum(&mut self) -> Result<Expression, String> {
        let mut left = self.product()?;
        while let Some(Token::Sign(sign)) =
            self.tokens.next_if(|token| matches!(token, Token::Sign('+' | '-')))
        {
            left = Both(sign, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.single()?;
        while let Some(Token::Sign(sign)) = self.tokens.next_if(|token| matches!(token, Token::Sign('*'))) {
            left = Both(sign, Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Expression, String> {
        match self.tokens.next() {
            Some(Token::Number(value)) => Ok(Number(value)),
            Some(Token::Name(name)) if self.sign('(') => Ok(Call(name, self.arguments()?)),
            Some(Token::Name(name)) => Ok(Name(name)),
            Some(Token::Sign('(')) => {
                let inner = self.sum()?;
                if self.sign(')') { Ok(inner) } else { Err("a `)` is missing".into()) }
            }
            other => Err(format!("{other:?} where a value is expected")),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, String> {
        let mut arguments = vec![self.sum()?];
        while self.sign(',') {
            arguments.push(self.sum()?);
        }
        if self.sign(')') { Ok(arguments) } else { Err("a `)` is missing after arguments".into()) }
    }

    fn sign(&mut self, sign: char) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign)).is_some()
    }
}

impl Expression {
    /// The derivative with respect to `variable`, not simplified. A function is taken for the sum of its
    /// arguments.
    pub fn derivative(&self, variable: &str) -> Expression {
        let pair = |sign, left, right| Both(sign, Box::new(left), Box::new(right));
        match self {
            Number(_) => Number(0),
            Name(name) => Number(i64::from(name == variable)),
            Both('*', left, right) => pair(
                '+',
                pair('*', left.derivative(variable), (**right).clone()),
                pair('*', (**left).clone(), right.derivative(variable)),
            ),
            Both(sign, left, right) => pair(*sign, left.derivative(variable), right.derivative(variable)),
            Call(name, arguments) => {
                Call(name.clone(), arguments.iter().map(|argument| argument.derivative(variable)).collect())
            }
        }
    }

    /// The same value in a smaller tree: sums with 0 and products with 0 and 1 are worked out.
    pub fn simplified(self) -> Expression {
        match self {
            Both(sign, left, right) => match (sign, left.simplified(), right.simplified()) {
                ('*', Number(0), _) | ('*', _, Number(0)) => Number(0),
                ('*', Number(1), other) | ('*', other, Number(1)) => other,
                ('+', Number(0), other) | ('+' | '-', other, Number(0)) => other,
                (sign, left, right) => Both(sign, Box::new(left), Box::new(right)),
            },
            Call(name, arguments) => Call(name, arguments.into_iter().map(Expression::simplified).collect()),
            other => other,
        }
    }

    /// The value, wrapping around; unknown variables are 0.
    pub fn value(&self, variables: &HashMap<String, i64>) -> i64 {
        match self {
            Number(value) => *value,
            Name(name) => variables.get(name).copied().unwrap_or(0),
            Both('+', left, right) => left.value(variables).wrapping_add(right.value(variables)),
            Both('-', left, right) => left.value(variables).wrapping_sub(right.value(variables)),
            Both(_, left, right) => left.value(variables).wrapping_mul(right.value(variables)),
            Call(_, arguments) => {
                arguments.iter().fold(0, |sum, argument| sum.wrapping_add(argument.value(variables)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(x: i64) -> HashMap<String, i64> {
        HashMap::from_iter([("x".to_owned(), x)])
    }

    #[test]
    fn products_bind_closer_and_differences_to_the_left() {
        assert_eq!(parse("10 - 3 - 2 * x").unwrap().value(&with(2)), 3);
        assert_eq!(parse("sum(1, (2 + x) * 3) - 1").unwrap().value(&with(5)), 21);
    }

    #[test]
    fn the_simplified_derivative_has_the_derivatives_value() {
        let derivative = parse("x * x * 1 + 0 - f(7, x) * 1").unwrap().derivative("x");
        let simplified = derivative.clone().simplified();
        assert_eq!(derivative.value(&with(9)), 17);
        assert_eq!(simplified.value(&with(9)), 17);
        assert!(format!("{simplified:?}").len() < format!("{derivative:?}").len());
    }

    #[test]
    fn wrong_texts_are_refused() {
        for text in ["", "1 +", "(1", "f(1", "1 2", "1 % 2"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
