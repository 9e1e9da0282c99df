package io.varve.cli.acceptance;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Stands before an S3 server and passes everything on, byte by byte, but for requests whose first line a test chose:
 * these are refused as S3 refuses. Signatures stay right, since the Host header is the proxy's own for both sides.
 */
final class FaultProxy implements AutoCloseable {
    private static final Pattern CONTENT_LENGTH =
            Pattern.compile("^content-length:\\s*(\\d+)\\s*$", Pattern.CASE_INSENSITIVE | Pattern.MULTILINE);
    private static final long PATIENCE_SECONDS = 60;
    private static final int HEAD_BYTES_MAX = 64 * 1024;
    private static final String REFUSAL =
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

    private final ServerSocket server;
    private final URI target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger refused = new AtomicInteger();
    private volatile Predicate<String> refuses = line -> false;
    private volatile Predicate<String> holds = line -> false;
    private volatile CountDownLatch held = new CountDownLatch(1);
    private volatile CountDownLatch released = new CountDownLatch(1);

    private FaultProxy(ServerSocket server, URI target) {
        this.server = server;
        this.target = target;
    }

    static FaultProxy before(URI target) throws IOException {
        FaultProxy proxy = new FaultProxy(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), target);
        Thread.ofPlatform().daemon().name("fault-proxy").start(proxy::accept);
        return proxy;
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + server.getLocalPort());
    }

    /** Refuses requests whose first line, such as {@code PUT /bucket/key HTTP/1.1}, is one of these. */
    void refuse(Predicate<String> requestLines) {
        refuses = requestLines;
    }

    void refuseNothing() {
        refuses = line -> false;
    }

    /** Holds requests of these first lines until {@link #release}, so that whoever sent one is in the middle of it. */
    void hold(Predicate<String> requestLines) {
        held = new CountDownLatch(1);
        released = new CountDownLatch(1);
        holds = requestLines;
    }

    /** Waits until a request is held. */
    void awaitHeld() throws InterruptedException {
        if (!held.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("no request came that should be held");
        }
    }

    /** Passes on what is held, and holds nothing any more. */
    void release() {
        holds = line -> false;
        released.countDown();
    }

    int refused() {
        return refused.get();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                Thread.ofPlatform().daemon().name("fault-proxy-client").start(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        open.add(client);
        try (client;
                Socket upstream = new Socket()) {
            open.add(upstream);
            upstream.connect(new InetSocketAddress(target.getHost(), target.getPort()));
            Thread.ofPlatform().daemon().name("fault-proxy-back").start(() -> answer(upstream, client));
            InputStream from = new BufferedInputStream(client.getInputStream());
            OutputStream to = upstream.getOutputStream();
            for (String head = head(from); !head.isEmpty(); head = head(from)) {
                long bodyBytes = bodyBytes(head);
                String line = head.substring(0, head.indexOf('\r'));
                if (holds.test(line)) {
                    held.countDown();
                    awaitRelease();
                }
                if (refuses.test(line)) {
                    refused.incrementAndGet();
                    copy(from, OutputStream.nullOutputStream(), bodyBytes);
                    refuse(client.getOutputStream());
                    return;
                }
                to.write(head.getBytes(StandardCharsets.ISO_8859_1));
                copy(from, to, bodyBytes);
                to.flush();
            }
        } catch (IOException e) {
            // One of the two went away, which the other one sees by its own closed connection.
            return;
        } finally {
            open.remove(client);
        }
    }

    private void awaitRelease() throws IOException {
        try {
            released.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private static void answer(Socket upstream, Socket client) {
        try (client) {
            upstream.getInputStream().transferTo(client.getOutputStream());
        } catch (SocketException e) {
            // The connection was closed from our side.
            return;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String head(InputStream from) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        int matched = 0;
        while (matched < 4) {
            int next = from.read();
            if (next < 0) {
                return "";
            }
            head.write(next);
            matched = next == "\r\n\r\n".charAt(matched) ? matched + 1 : next == '\r' ? 1 : 0;
            if (head.size() > HEAD_BYTES_MAX) {
                throw new IOException("a head of more than " + HEAD_BYTES_MAX + " bytes");
            }
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    private static long bodyBytes(String head) {
        Matcher length = CONTENT_LENGTH.matcher(head);
        return length.find() ? Long.parseLong(length.group(1)) : 0;
    }

    private static void copy(InputStream from, OutputStream to, long lengthBytes) throws IOException {
        byte[] buffer = new byte[64 * 1024];
        for (long left = lengthBytes; left > 0; ) {
            int count = from.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (count < 0) {
                throw new IOException("the body ended early");
            }
            to.write(buffer, 0, count);
            left -= count;
        }
    }

    private static void refuse(OutputStream to) throws IOException {
        byte[] body = REFUSAL.getBytes(StandardCharsets.UTF_8);
        String head = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: "
                + body.length + "\r\n\r\n";
        to.write(head.getBytes(StandardCharsets.ISO_8859_1));
        to.write(body);
        to.flush();
    }

    @Override
    public void close() throws IOException {
        server.close();
        release();
        for (Socket socket : open) {
            socket.close();
        }
    }
}
