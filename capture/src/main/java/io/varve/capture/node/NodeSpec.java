package io.varve.capture.node;

import io.varve.capture.backend.FaultRules;
import io.varve.capture.backend.qcow2.BackingRule;
import io.varve.capture.filter.CopyTerms;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** A node that is to be made (QAPI's BlockdevOptions, of the drivers that there are here). */
public sealed interface NodeSpec {
    NodeOptions options();

    /** QEMU's name. */
    String driver();

    /** The bytes of {@code file} as they are. */
    record Raw(NodeOptions options, ChildSpec file) implements NodeSpec {
        @Override
        public String driver() {
            return "raw";
        }
    }

    /**
     * A part of {@code file}, as it is.
     *
     * @param sizeBytes up to the file's end when empty
     */
    record RawPart(NodeOptions options, ChildSpec file, long offsetBytes, OptionalLong sizeBytes) implements NodeSpec {
        @Override
        public String driver() {
            return "raw";
        }
    }

    record Qcow2(NodeOptions options, ChildSpec file, Backing backing) implements NodeSpec {
        @Override
        public String driver() {
            return "qcow2";
        }
    }

    /** A file, or a device when {@code driver} is {@code host_device}. */
    record FileNode(NodeOptions options, String driver, String filename) implements NodeSpec {}

    /**
     * Takes everything, and keeps nothing.
     *
     * @param latencyNanos of each request
     */
    record NullCo(NodeOptions options, long sizeBytes, boolean readZeroes, long latencyNanos) implements NodeSpec {
        @Override
        public String driver() {
            return "null-co";
        }
    }

    /**
     * An export of another server.
     *
     * @param reconnectDelay how long requests wait when that server is away
     */
    record Nbd(NodeOptions options, String uri, Duration reconnectDelay) implements NodeSpec {
        @Override
        public String driver() {
            return "nbd";
        }
    }

    /** Faults by rules, for what stands on it. */
    record Blkdebug(NodeOptions options, ChildSpec image, FaultRules rules) implements NodeSpec {
        @Override
        public String driver() {
            return "blkdebug";
        }
    }

    /** Keeps old content in {@code target} before {@code file} is written. */
    record CopyBeforeWrite(NodeOptions options, ChildSpec file, ChildSpec target, Keeping keeping) implements NodeSpec {
        @Override
        public String driver() {
            return "copy-before-write";
        }
    }

    /** The point in time that a {@link CopyBeforeWrite} node keeps. */
    record SnapshotAccess(NodeOptions options, ChildSpec file) implements NodeSpec {
        @Override
        public String driver() {
            return "snapshot-access";
        }
    }

    /**
     * What a point in time keeps.
     *
     * @param bitmap only what it names; all when empty
     */
    record Keeping(Optional<BitmapOf> bitmap, CopyTerms terms) {}

    /** A dirty bitmap of a node. */
    record BitmapOf(String node, String name) {}

    /** A child: a node that's there, or one that comes with its parent. */
    sealed interface ChildSpec {
        record Reference(String node) implements ChildSpec {}

        record Inline(NodeSpec spec) implements ChildSpec {}
    }

    /** What lies under an image. */
    sealed interface Backing {
        /**
         * What its header says, if that's to be followed; each image there gets a node of its own.
         *
         * @param names of these nodes from the uppermost on, as far as they were given any
         */
        record OfHeader(BackingRule rule, List<Optional<String>> names) implements Backing {
            public OfHeader {
                names = List.copyOf(names);
            }

            public OfHeader(BackingRule rule) {
                this(rule, List.of());
            }

            /** The name of the first of them. */
            Optional<String> first() {
                return names.isEmpty() ? Optional.empty() : names.getFirst();
            }

            /** The same for the image that's the first. */
            OfHeader under() {
                return names.isEmpty() ? this : new OfHeader(rule, names.subList(1, names.size()));
            }
        }

        record None() implements Backing {}

        record Given(ChildSpec child) implements Backing {}
    }

    /** The same with other options. */
    default NodeSpec with(NodeOptions changed) {
        return switch (this) {
            case Raw(var _, ChildSpec file) -> new Raw(changed, file);
            case RawPart(var _, ChildSpec file, long offset, OptionalLong size) ->
                new RawPart(changed, file, offset, size);
            case Qcow2(var _, ChildSpec file, Backing backing) -> new Qcow2(changed, file, backing);
            case FileNode(var _, String driver, String filename) -> new FileNode(changed, driver, filename);
            case NullCo(var _, long sizeBytes, boolean zeroes, long latency) ->
                new NullCo(changed, sizeBytes, zeroes, latency);
            case Nbd(var _, String uri, Duration delay) -> new Nbd(changed, uri, delay);
            case Blkdebug(var _, ChildSpec image, FaultRules rules) -> new Blkdebug(changed, image, rules);
            case CopyBeforeWrite(var _, ChildSpec file, ChildSpec target, Keeping keeping) ->
                new CopyBeforeWrite(changed, file, target, keeping);
            case SnapshotAccess(var _, ChildSpec file) -> new SnapshotAccess(changed, file);
        };
    }

    /** The file that the node's bytes lie in, if they lie in one. */
    default Optional<String> bottom() {
        return switch (this) {
            case FileNode file -> Optional.of(file.filename());
            case Raw(var _, ChildSpec.Inline(NodeSpec file)) -> file.bottom();
            case RawPart(var _, ChildSpec.Inline(NodeSpec file), var _, var _) -> file.bottom();
            case Qcow2(var _, ChildSpec.Inline(NodeSpec file), var _) -> file.bottom();
            case Blkdebug(var _, ChildSpec.Inline(NodeSpec image), var _) -> image.bottom();
            case CopyBeforeWrite(var _, ChildSpec.Inline(NodeSpec file), var _, var _) -> file.bottom();
            case Raw _, RawPart _, Qcow2 _, Blkdebug _, NullCo _, Nbd _ -> Optional.empty();
            case CopyBeforeWrite _, SnapshotAccess _ -> Optional.empty();
        };
    }
}
