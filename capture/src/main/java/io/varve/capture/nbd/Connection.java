package io.varve.capture.nbd;

import io.varve.formats.nbd.NbdSession;
import io.varve.formats.nbd.ReplyEncoder;
import io.varve.formats.nbd.ServerHandshake;
import io.varve.formats.nbd.ServerHandshake.Step;
import java.io.IOException;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedChannelException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One client, from its greeting to its leave: what runs on the connection's thread. */
final class Connection implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    /** Runs when the handshake has ended, so that its deadline is called off. */
    private final Runnable onEntered;

    private final Optional<Encryption> encryption;
    private final String peer;
    private final ConnectionDirectory directory;
    private ByteChannel channel;

    /** How a connection is encrypted, where that's demanded. */
    @FunctionalInterface
    interface Encryption {
        /** Blocks until the client is known; the result owns the channel that was in the clear. */
        ByteChannel begin() throws IOException;
    }

    Connection(
            ByteChannel channel,
            Optional<Encryption> encryption,
            String peer,
            ConnectionDirectory directory,
            Runnable onEntered) {
        this.channel = channel;
        this.encryption = encryption;
        this.peer = peer;
        this.directory = directory;
        this.onEntered = onEntered;
    }

    @Override
    public void run() {
        try {
            serve();
        } catch (PeerFaultException e) {
            LOG.warn("nbd client {}: disconnected: {}", peer, e.getMessage());
        } catch (ClosedChannelException e) {
            LOG.debug("nbd client {}: closed by this server", peer);
        } catch (IOException e) {
            LOG.info("nbd client {}: connection lost: {}", peer, e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("nbd client {}: disconnected because of a bug", peer, e);
        }
    }

    /** Serves the client until it's gone; a {@link RuntimeException} is a bug. */
    void serve() throws IOException {
        try (directory) {
            Inbox inbox = new Inbox(channel);
            Outbox outbox = new Outbox(channel);
            Optional<NbdSession> session = handshake(inbox, outbox);
            onEntered.run();
            if (session.isPresent()) {
                transmit(session.get(), inbox, outbox);
            }
        } finally {
            channel.close();
        }
    }

    /** Empty when the client went away in good order. */
    private Optional<NbdSession> handshake(Inbox inbox, Outbox outbox) throws IOException {
        ServerHandshake handshake = new ServerHandshake(
                directory,
                encryption.isPresent() ? ServerHandshake.Encryption.DEMANDED : ServerHandshake.Encryption.NONE);
        outbox.send(ServerHandshake.greeting());
        while (true) {
            switch (handshake.advance(inbox.buffer())) {
                case Step.NeedMore _ -> {
                    if (!inbox.receive()) {
                        return Optional.empty();
                    }
                }
                case Step.Encrypt encrypt -> {
                    outbox.send(encrypt.bytes());
                    channel = encryption.orElseThrow().begin();
                    inbox.encrypt(channel);
                    outbox.encrypt(channel);
                }
                case Step.Answer answer -> outbox.send(answer.bytes());
                case Step.Enter enter -> {
                    outbox.send(enter.bytes());
                    return Optional.of(enter.session());
                }
                case Step.Aborted aborted -> {
                    outbox.send(aborted.bytes());
                    return Optional.empty();
                }
                case Step.Refused(String reason) -> throw new PeerFaultException(reason);
            }
        }
    }

    private void transmit(NbdSession session, Inbox inbox, Outbox outbox) throws IOException {
        String threadName = Thread.currentThread().getName() + "-late";
        Export export = directory.export();
        try (LateReplies lateReplies = new LateReplies(outbox, new ReplyEncoder(session.replies()), threadName);
                LateReads lateReads = new LateReads(session, export, outbox)) {
            new Transmission(session, export, inbox, outbox, new Transmission.Late(lateReplies, lateReads)).run();
        }
    }
}
