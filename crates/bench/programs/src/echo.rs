//! An echo server and its clients, tasks of one runtime that talk through loopback connections.
//!
//! A message is its length (four bytes) and its bytes. The server copies each message into a vector of its own,
//! as a handler would that passes it on, and sends it back turned around.

use crate::input::{Checksum, Sequence};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Clients at the same time.
const CLIENTS: u64 = 32;

/// Messages that a client sends before it waits for the answers.
const AHEAD: u64 = 8;

/// The longest message.
const LONGEST: u64 = 8192;

/// Sends `size` messages from each client with `threads` worker threads; the checksum.
pub fn run(size: u64, threads: usize) -> std::result::Result<u64, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(threads).enable_io().build();
    let served = runtime.and_then(|runtime| runtime.block_on(talk(size)));
    served.map_err(|error| format!("the echo server on loopback: {error}"))
}

async fn talk(size: u64) -> Result<u64> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(listener));
    let clients: Vec<_> = (0..CLIENTS).map(|number| tokio::spawn(client(address, number, size))).collect();
    let mut checksum = Checksum::default();
    for client in clients {
        checksum.number(client.await??);
    }
    server.await??;
    Ok(checksum.value())
}

/// Answers every client until it hangs up.
async fn serve(listener: TcpListener) -> Result<()> {
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let (stream, _) = listener.accept().await?;
        tasks.push(tokio::spawn(answer(stream)));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut incoming = BytesMut::new();
    let mut outgoing = BytesMut::new();
    while stream.read_buf(&mut incoming).await? > 0 {
        while let Some(message) = frame(&mut incoming)? {
            let mut turned: Vec<u8> = message.to_vec();
            turned.reverse();
            put(&mut outgoing, &turned);
        }
        let ready = outgoing.split().freeze();
        stream.write_all(&ready).await?;
    }
    Ok(())
}

async fn client(address: SocketAddr, number: u64, size: u64) -> Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut numbers = Sequence::new(100 + number);
    let mut checksum = Checksum::default();
    let mut incoming = BytesMut::new();
    let mut waiting: VecDeque<Vec<u8>> = VecDeque::new();
    let mut left = size;
    while left > 0 {
        let mut outgoing = BytesMut::new();
        for _ in 0..left.min(AHEAD) {
            let message = message(&mut numbers);
            put(&mut outgoing, &message);
            waiting.push_back(message);
            left -= 1;
        }
        stream.write_all(&outgoing).await?;
        while !waiting.is_empty() {
            match frame(&mut incoming)? {
                Some(answer) => check(&mut waiting, &answer, &mut checksum)?,
                None if stream.read_buf(&mut incoming).await? == 0 => {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                None => {}
            }
        }
    }
    Ok(checksum.value())
}

fn message(numbers: &mut Sequence) -> Vec<u8> {
    let mut message = vec![numbers.next() as u8; numbers.length(LONGEST)];
    message[0] = numbers.next() as u8;
    message
}

/// Takes in the answer to the message that has waited longest.
fn check(waiting: &mut VecDeque<Vec<u8>>, answer: &Bytes, checksum: &mut Checksum) -> Result<()> {
    let sent = waiting.pop_front().unwrap_or_default();
    if !sent.iter().rev().eq(answer.iter()) {
        return Err(Error::new(ErrorKind::InvalidData, "an answer differs from its message"));
    }
    checksum.bytes(answer);
    Ok(())
}

/// The first message in `buffer`, if all of it is there.
fn frame(buffer: &mut BytesMut) -> Result<Option<Bytes>> {
    let Some(head) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*head) as usize;
    if length > LONGEST as usize {
        return Err(Error::new(ErrorKind::InvalidData, "a message is too long"));
    }
    if buffer.len() < 4 + length {
        buffer.reserve(4 + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length).freeze()))
}

fn put(buffer: &mut BytesMut, message: &[u8]) {
    buffer.reserve(4 + message.len());
    buffer.put_u32(message.len() as u32);
    buffer.put_slice(message);
}
