//! The allocator of a multi-threaded tokio server under load.

use heapwright::{Counter, Heapwright};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[global_allocator]
static GLOBAL: Heapwright = Heapwright;

/// Answers each line of length-prefixed messages with its bytes reversed.
async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let Ok(len) = stream.read_u32().await else { return Ok(()) };
        let mut message = vec![0; len as usize];
        stream.read_exact(&mut message).await?;
        let answer: Vec<u8> = message.into_iter().rev().collect();
        stream.write_u32(len).await?;
        stream.write_all(&answer).await?;
    }
}

#[test]
fn echoes_under_load_and_loses_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let echoed: usize = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        let clients: Vec<_> = (0..32usize)
            .map(|id| {
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    for i in 0..200usize {
                        let len = 1 + (id * 131 + i * 977) % 20_000;
                        let message: Vec<u8> = (0..len).map(|k| (k + id + i) as u8).collect();
                        stream.write_u32(len as u32).await.unwrap();
                        stream.write_all(&message).await.unwrap();
                        assert_eq!(stream.read_u32().await.unwrap() as usize, len);
                        let mut answer = vec![0; len];
                        stream.read_exact(&mut answer).await.unwrap();
                        answer.reverse();
                        assert_eq!(answer, message);
                    }
                    200
                })
            })
            .collect();
        let mut echoed = 0;
        for client in clients {
            echoed += client.await.unwrap();
        }
        echoed
    });
    drop(runtime);
    assert_eq!(echoed, 6_400);
    assert!(heapwright::count(Counter::RemoteFrees) > 0, "blocks cross threads in such a server");
}
