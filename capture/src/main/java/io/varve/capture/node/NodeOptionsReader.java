package io.varve.capture.node;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.backend.FaultEvent;
import io.varve.capture.backend.FaultRule;
import io.varve.capture.backend.FaultRules;
import io.varve.capture.backend.qcow2.BackingRule;
import io.varve.capture.filter.CopyTerms;
import io.varve.capture.filter.OnCopyError;
import io.varve.capture.node.NodeSpec.Backing;
import io.varve.capture.node.NodeSpec.ChildSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Reads a node's description (QAPI's BlockdevOptions in 7.2). Values may also come as the texts of QEMU's command line:
 * {@code on}, {@code off}, digits.
 */
public final class NodeOptionsReader {
    private static final long NULL_BYTES = 1L << 30;
    private static final int SECTOR_BYTES = 512;

    private NodeOptionsReader() {}

    /**
     * Reads it.
     *
     * @throws NodeRefusedException in QEMU's words
     */
    public static NodeSpec read(ObjectNode json) throws NodeRefusedException {
        Members members = new Members(json, "");
        NodeSpec spec = node(members);
        members.checkAllRead();
        return spec;
    }

    private static NodeSpec node(Members members) throws NodeRefusedException {
        String driver = members.text("driver");
        NodeOptions options = options(members);
        return switch (driver) {
            case "raw" -> raw(options, members);
            case "qcow2" -> new NodeSpec.Qcow2(options, child(members, "file"), backing(members));
            case "file", "host_device" -> file(options, driver, members);
            case "null-co" ->
                new NodeSpec.NullCo(
                        options,
                        members.number("size").orElse(NULL_BYTES),
                        members.flag("read-zeroes", false),
                        notNegative("latency-ns", members.number("latency-ns").orElse(0L)));
            case "nbd" -> new NodeSpec.Nbd(options, nbd(members), reconnectDelay(members));
            case "copy-before-write" -> copyBeforeWrite(options, members);
            case "snapshot-access" -> new NodeSpec.SnapshotAccess(options, child(members, "file"));
            case "blkdebug" -> new NodeSpec.Blkdebug(options, child(members, "image"), rules(members));
            default -> throw new NodeRefusedException("Parameter 'driver' does not accept value '" + driver + "'");
        };
    }

    private static NodeSpec raw(NodeOptions options, Members members) throws NodeRefusedException {
        Optional<Long> offset = members.number("offset");
        Optional<Long> size = members.number("size");
        ChildSpec file = child(members, "file");
        if (offset.orElse(0L) == 0 && size.isEmpty()) {
            return new NodeSpec.Raw(options, file);
        }
        OptionalLong sizeBytes =
                size.isEmpty() ? OptionalLong.empty() : OptionalLong.of(notNegative("size", size.get()));
        if (sizeBytes.orElse(0) % SECTOR_BYTES != 0) {
            throw new NodeRefusedException("Specified size is not multiple of " + SECTOR_BYTES);
        }
        return new NodeSpec.RawPart(options, file, notNegative("offset", offset.orElse(0L)), sizeBytes);
    }

    private static long notNegative(String name, long value) throws NodeRefusedException {
        if (value < 0) {
            throw new NodeRefusedException("Parameter '" + name + "' expects uint64");
        }
        return value;
    }

    private static NodeSpec copyBeforeWrite(NodeOptions options, Members members) throws NodeRefusedException {
        Optional<NodeSpec.BitmapOf> bitmap = Optional.empty();
        Optional<Members> named = members.members("bitmap");
        if (named.isPresent()) {
            bitmap = Optional.of(
                    new NodeSpec.BitmapOf(named.get().text("node"), named.get().text("name")));
        }
        String word = members.optionalText("on-cbw-error").orElse("break-guest-write");
        OnCopyError onError = switch (word) {
            case "break-guest-write" -> OnCopyError.BREAK_GUEST_WRITE;
            case "break-snapshot" -> OnCopyError.BREAK_SNAPSHOT;
            default -> throw new NodeRefusedException("Parameter 'on-cbw-error' does not accept value '" + word + "'");
        };
        Duration timeout = Duration.ofSeconds(members.number("cbw-timeout").orElse(0L));
        return new NodeSpec.CopyBeforeWrite(
                options,
                child(members, "file"),
                child(members, "target"),
                new NodeSpec.Keeping(bitmap, new CopyTerms(onError, timeout)));
    }

    private static NodeOptions options(Members members) throws NodeRefusedException {
        Optional<Members> cache = members.members("cache");
        boolean direct = false;
        boolean noFlush = false;
        if (cache.isPresent()) {
            direct = cache.get().flag("direct", false);
            noFlush = cache.get().flag("no-flush", false);
        }
        // What's only a hint here: images are written through the page cache, and discards go down to the file.
        List.of("discard", "auto-read-only", "force-share").forEach(members::ignore);
        return new NodeOptions(
                members.optionalText("node-name"),
                members.flag("read-only", false),
                direct,
                noFlush,
                members.optionalText("detect-zeroes").orElse("off"));
    }

    private static NodeSpec file(NodeOptions options, String driver, Members members) throws NodeRefusedException {
        List.of("aio", "locking", "pr-manager", "drop-cache", "x-check-cache-dropped", "aio-max-batch")
                .forEach(members::ignore);
        return new NodeSpec.FileNode(options, driver, members.text("filename"));
    }

    private static ChildSpec child(Members members, String name) throws NodeRefusedException {
        Optional<String> reference = members.reference(name);
        if (reference.isPresent()) {
            return new ChildSpec.Reference(reference.get());
        }
        Members child = members.members(name)
                .orElseThrow(() -> new NodeRefusedException("Parameter '" + members.path(name) + "' is missing"));
        return new ChildSpec.Inline(node(child));
    }

    private static Backing backing(Members members) throws NodeRefusedException {
        List.of(
                        "lazy-refcounts",
                        "pass-discard-request",
                        "pass-discard-snapshot",
                        "pass-discard-other",
                        "discard-no-unref",
                        "overlap-check",
                        "cache-size",
                        "l2-cache-size",
                        "l2-cache-entry-size",
                        "refcount-cache-size",
                        "cache-clean-interval")
                .forEach(members::ignore);
        if (members.isNull("backing")) {
            return new Backing.None();
        }
        return members.has("backing") ? given(members) : new Backing.OfHeader(BackingRule.FOLLOW);
    }

    /** Without a driver it's the header's image that is meant, and this its node's options. */
    private static Backing given(Members members) throws NodeRefusedException {
        Optional<String> reference = members.reference("backing");
        if (reference.isPresent()) {
            return new Backing.Given(new ChildSpec.Reference(reference.get()));
        }
        Optional<Members> backing = members.members("backing");
        if (backing.filter(b -> !b.has("driver")).isEmpty()) {
            return new Backing.Given(new ChildSpec.Inline(node(backing.orElseThrow())));
        }
        List<Optional<String>> names = new ArrayList<>();
        for (Optional<Members> at = backing; at.isPresent(); at = at.get().members("backing")) {
            at.get().ignore("read-only");
            names.add(at.get().optionalText("node-name"));
        }
        return new Backing.OfHeader(BackingRule.FOLLOW, names);
    }

    private static String nbd(Members members) throws NodeRefusedException {
        Members server = members.members("server")
                .orElseThrow(() -> new NodeRefusedException("Parameter '" + members.path("server") + "' is missing"));
        String path = members.optionalText("export").map(export -> "/" + export).orElse("");
        List.of("open-timeout", "tls-creds", "tls-hostname", "x-dirty-bitmap").forEach(members::ignore);
        List.of("ipv4", "ipv6", "numeric", "to", "keep-alive", "mptcp").forEach(server::ignore);
        return switch (server.text("type")) {
            case "unix" -> "nbd+unix://" + path + "?socket=" + server.text("path");
            case "inet" -> "nbd://" + server.text("host") + ":" + server.text("port") + path;
            default ->
                throw new NodeRefusedException("Parameter 'type' does not accept value '" + server.text("type") + "'");
        };
    }

    private static Duration reconnectDelay(Members members) throws NodeRefusedException {
        return Duration.ofSeconds(Math.max(0, members.number("reconnect-delay").orElse(0L)));
    }

    private static FaultRules rules(Members members) throws NodeRefusedException {
        List<FaultRule> rules = new ArrayList<>();
        for (Members rule : members.list("inject-error")) {
            Optional<FaultEvent> event = FaultEvent.of(rule.text("event"));
            OptionalLong sector = rule.number("sector")
                    .filter(s -> s >= 0)
                    .map(OptionalLong::of)
                    .orElse(OptionalLong.empty());
            FaultRule.InjectError inject = new FaultRule.InjectError(
                    event.orElse(FaultEvent.READ_AIO),
                    rule.number("state").orElse(0L).intValue(),
                    rule.number("errno").orElse(5L).intValue(),
                    sector,
                    rule.flag("once", false),
                    rule.flag("immediately", false));
            rule.ignore("iotype");
            event.ifPresent(_ -> rules.add(inject));
        }
        for (Members rule : members.list("set-state")) {
            int state = rule.number("state").orElse(0L).intValue();
            int next = rule.number("new_state").orElse(0L).intValue();
            FaultEvent.of(rule.text("event")).ifPresent(event -> rules.add(new FaultRule.SetState(event, state, next)));
        }
        List.of("config", "align", "max-transfer", "opt-write-zero", "max-write-zero", "opt-discard", "max-discard")
                .forEach(members::ignore);
        return FaultRules.of(rules);
    }
}
