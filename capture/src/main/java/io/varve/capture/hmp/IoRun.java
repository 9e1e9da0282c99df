package io.varve.capture.hmp;

import io.varve.capture.backend.FaultBackend;
import io.varve.capture.backend.FaultEvent;
import io.varve.capture.backend.PermissionDeniedException;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.node.AwaitedChanges;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Carries out a command of qemu-io on a node, as a guest's request; the answer is what qemu-io prints. */
final class IoRun {
    private static final int PIECE_BYTES = 1 << 20;

    private final NodeGraph graph;
    private final Node node;
    private final AwaitedChanges guest;

    IoRun(NodeGraph graph, Node node) {
        this.graph = graph;
        this.node = node;
        this.guest = new AwaitedChanges(graph.guests(node));
    }

    String run(IoCommand command) {
        return switch (command) {
            case IoCommand.Write write -> write(write);
            case IoCommand.Read read -> read(read);
            case IoCommand.Discard(long offset, long length, boolean quiet) ->
                told("discard", offset, length, quiet, () -> guest.trim(offset, length));
            case IoCommand.Flush _ -> told("flush", 0, 0, true, () -> guest.flush());
            case IoCommand.Length _ -> size(node.backend().sizeBytes()) + "\n";
            case IoCommand.Truncate(long sizeBytes) -> truncate(sizeBytes);
            case IoCommand.Break(String event, String tag) -> breakAt(event, tag);
            case IoCommand.RemoveBreak(String tag) ->
                faults().filter(backend -> backend.removeBreak(tag)).isPresent()
                        ? ""
                        : "Could not remove breakpoint " + tag + ": No such file or directory\n";
            case IoCommand.Unknown(String complaint) -> complaint;
        };
    }

    private interface Request {
        void run() throws IOException;
    }

    private String told(String verb, long offsetBytes, long lengthBytes, boolean quiet, Request request) {
        try {
            if (offsetBytes < 0
                    || lengthBytes < 0
                    || offsetBytes + lengthBytes > node.backend().sizeBytes()) {
                throw new RequestFailedException(NbdError.EIO, "behind the end");
            }
            if (lengthBytes > 0 || verb.equals("flush")) {
                request.run();
            }
        } catch (IOException e) {
            String reason = e instanceof PermissionDeniedException
                    ? "Permission denied"
                    : text(RequestFailedException.errorOf(e));
            return verb.replace("wrote", "write") + " failed: " + reason + "\n";
        }
        return quiet
                ? ""
                : verb + " " + lengthBytes + "/" + lengthBytes + " bytes at offset " + offsetBytes + "\n"
                        + size(lengthBytes) + ", 1 ops; 00:00:00.00 (inf GiB/sec and inf ops/sec)\n";
    }

    private String write(IoCommand.Write write) {
        return told("wrote", write.offsetBytes(), write.lengthBytes(), write.quiet(), () -> {
            if (write.zero()) {
                guest.zero(
                        write.offsetBytes(),
                        write.lengthBytes(),
                        write.unmap() ? ZeroMode.MAY_PUNCH : ZeroMode.KEEP_ALLOCATED);
            } else {
                fill(write);
            }
            if (write.durable()) {
                guest.flush();
            }
        });
    }

    /** As one request where that's possible: a fault's rule counts them. */
    private void fill(IoCommand.Write write) throws IOException {
        long left = write.lengthBytes();
        while (left > 0) {
            int count = (int) Math.min(left, 64L * PIECE_BYTES);
            ByteBuffer piece = ByteBuffer.allocate(count);
            Arrays.fill(piece.array(), (byte) write.pattern());
            guest.write(write.offsetBytes() + write.lengthBytes() - left, piece);
            left -= count;
        }
    }

    private String read(IoCommand.Read read) {
        boolean[] differs = new boolean[1];
        String told = told("read", read.offsetBytes(), read.lengthBytes(), read.quiet(), () -> {
            for (long done = 0; done < read.lengthBytes(); done += PIECE_BYTES) {
                ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PIECE_BYTES, read.lengthBytes() - done));
                node.io().read(read.offsetBytes() + done, piece);
                if (read.pattern().isPresent()) {
                    for (byte b : piece.array()) {
                        differs[0] |= (b & 0xff) != read.pattern().get();
                    }
                }
            }
        });
        return differs[0]
                ? "Pattern verification failed at offset " + read.offsetBytes() + ", " + read.lengthBytes() + " bytes\n"
                        + told
                : told;
    }

    private String truncate(long sizeBytes) {
        try {
            graph.resize(node, sizeBytes);
            return "";
        } catch (NodeRefusedException e) {
            return e.description() + "\n";
        }
    }

    private Optional<FaultBackend> faults() {
        return node.backend().now() instanceof FaultBackend backend ? Optional.of(backend) : Optional.empty();
    }

    private String breakAt(String event, String tag) {
        if (faults().isEmpty()) {
            return "Could not set a breakpoint: Operation not supported\n";
        }
        FaultEvent.of(event).ifPresent(known -> faults().get().breakAt(known, tag));
        return FaultEvent.of(event).isPresent() ? "" : "Could not set a breakpoint: Invalid argument\n";
    }

    private static String text(NbdError error) {
        return switch (error) {
            case EPERM -> "Operation not permitted";
            case ENOSPC -> "No space left on device";
            case EINVAL -> "Invalid argument";
            case ENOTSUP -> "Operation not supported";
            default -> "Input/output error";
        };
    }

    /** As qemu-io's cvtstr has it. */
    private static String size(long bytes) {
        String[] units = {"EiB", "PiB", "TiB", "GiB", "MiB", "KiB"};
        for (int index = 0; index < units.length; index++) {
            long unit = 1L << (10 * (units.length - index));
            if (bytes >= unit) {
                String number = String.format(Locale.ROOT, "%.3f", (double) bytes / unit);
                return number.replaceAll("\\.?0+$", "") + " " + units[index];
            }
        }
        return bytes + " bytes";
    }
}
