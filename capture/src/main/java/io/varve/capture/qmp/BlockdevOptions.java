package io.varve.capture.qmp;

import static io.varve.capture.qmp.Parameter.choice;
import static io.varve.capture.qmp.Parameter.optional;
import static io.varve.capture.qmp.Parameter.optionalFlag;
import static io.varve.capture.qmp.Parameter.optionalText;
import static io.varve.capture.qmp.Parameter.required;
import static io.varve.capture.qmp.Parameter.text;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What describes a node (QAPI's BlockdevOptions in 7.2), of the drivers that there are here. */
final class BlockdevOptions {
    /** It holds itself: a node may describe those below it. */
    static final Parameter.Type TYPE = new Parameter.Type.Named("BlockdevOptions", BlockdevOptions::meaning);

    private static final Parameter.Type WHOLE = new Parameter.Type.Whole();
    private static final Parameter.Type INT32 = new Parameter.Type.Int32();
    private static final Parameter.Type UINT32 = new Parameter.Type.Uint32();
    private static final Parameter.Type REFERENCE =
            new Parameter.Type.Alternate("BlockdevRef", List.of(new Parameter.Type.Text(), TYPE));
    private static final Parameter.Type REFERENCE_OR_NULL = new Parameter.Type.Alternate(
            "BlockdevRefOrNull", List.of(new Parameter.Type.Text(), TYPE, new Parameter.Type.Null()));
    private static final Parameter FILE = required("file", REFERENCE);

    private static final List<Parameter> BITMAP = List.of(text("node"), text("name"));

    private static final Parameter.Type EVENT = choice("""
            l1_update l1_grow_alloc_table l1_grow_write_table l1_grow_activate_table l2_load
            l2_update l2_update_compressed l2_alloc_cow_read l2_alloc_write read_aio
            read_backing_aio read_compressed write_aio write_compressed vmstate_load vmstate_save
            cow_read cow_write reftable_load reftable_grow reftable_update refblock_load
            refblock_update refblock_update_part refblock_alloc refblock_alloc_hookup
            refblock_alloc_write refblock_alloc_write_blocks refblock_alloc_write_table
            refblock_alloc_switch_table cluster_alloc cluster_alloc_bytes cluster_free flush_to_os
            flush_to_disk pwritev_rmw_head pwritev_rmw_after_head pwritev_rmw_tail
            pwritev_rmw_after_tail pwritev pwritev_zero pwritev_done empty_image_prepare
            l1_shrink_write_table l1_shrink_free_l2_clusters cor_write cluster_alloc_space none
            """.strip().split("\\s+"));

    private static final Parameter.Type.Union MEANING =
            new Parameter.Type.Union("driver", common(branches()), branches());

    private BlockdevOptions() {}

    private static Parameter.Type meaning() {
        return MEANING;
    }

    private static List<Parameter> common(Map<String, List<Parameter>> branches) {
        return List.of(
                required("driver", new Parameter.Type.Choice(List.copyOf(branches.keySet()))),
                optionalText("node-name"),
                optional("discard", choice("ignore", "unmap")),
                optional("cache", new Parameter.Type.Struct(List.of(optionalFlag("direct"), optionalFlag("no-flush")))),
                optionalFlag("read-only"),
                optionalFlag("auto-read-only"),
                optionalFlag("force-share"),
                optional("detect-zeroes", choice("off", "on", "unmap")));
    }

    private static Map<String, List<Parameter>> branches() {
        Map<String, List<Parameter>> branches = new LinkedHashMap<>();
        branches.put("blkdebug", blkdebug());
        branches.put("compress", List.of(FILE));
        branches.put(
                "copy-before-write",
                List.of(
                        FILE,
                        required("target", REFERENCE),
                        optional("bitmap", new Parameter.Type.Struct(BITMAP)),
                        optional("on-cbw-error", choice("break-guest-write", "break-snapshot")),
                        optional("cbw-timeout", UINT32)));
        branches.put("copy-on-read", List.of(FILE, optionalText("bottom")));
        branches.put("file", file());
        branches.put("host_device", file());
        branches.put("nbd", nbd());
        List<Parameter> nothing = List.of(
                optional("size", WHOLE),
                optional("latency-ns", new Parameter.Type.Uint64()),
                optionalFlag("read-zeroes"));
        branches.put("null-aio", nothing);
        branches.put("null-co", nothing);
        branches.put("qcow2", qcow2());
        branches.put("raw", List.of(FILE, optional("offset", WHOLE), optional("size", WHOLE)));
        branches.put("snapshot-access", List.of(FILE));
        branches.put("throttle", List.of(text("throttle-group"), FILE));
        return branches;
    }

    private static List<Parameter> file() {
        return List.of(
                text("filename"),
                optionalText("pr-manager"),
                optional("locking", choice("auto", "on", "off")),
                optional("aio", choice("threads", "native", "io_uring")),
                optional("aio-max-batch", WHOLE),
                optionalFlag("drop-cache"),
                optionalFlag("x-check-cache-dropped"));
    }

    private static List<Parameter> qcow2() {
        Stream<Parameter> flags = Stream.of(
                        "lazy-refcounts", "pass-discard-request", "pass-discard-snapshot", "pass-discard-other")
                .map(Parameter::optionalFlag);
        Stream<Parameter> sizes = Stream.of(
                        "cache-size",
                        "l2-cache-size",
                        "l2-cache-entry-size",
                        "refcount-cache-size",
                        "cache-clean-interval")
                .map(name -> optional(name, WHOLE));
        return Stream.of(
                        Stream.of(FILE, optional("backing", REFERENCE_OR_NULL)),
                        flags,
                        Stream.of(optional("overlap-check", new Parameter.Type.Rest())),
                        sizes,
                        Stream.of(optional("data-file", REFERENCE)))
                .flatMap(part -> part)
                .toList();
    }

    private static List<Parameter> nbd() {
        Map<String, List<Parameter>> addresses = new LinkedHashMap<>();
        addresses.put(
                "inet",
                List.of(
                        text("host"),
                        text("port"),
                        optionalFlag("numeric"),
                        optional("to", new Parameter.Type.Rest()),
                        optionalFlag("ipv4"),
                        optionalFlag("ipv6"),
                        optionalFlag("keep-alive"),
                        optionalFlag("mptcp")));
        addresses.put("unix", List.of(text("path"), optionalFlag("abstract"), optionalFlag("tight")));
        addresses.put("vsock", List.of(text("cid"), text("port")));
        addresses.put("fd", List.of(text("str")));
        return List.of(
                required(
                        "server",
                        new Parameter.Type.Union(
                                "type",
                                List.of(required("type", new Parameter.Type.Choice(List.copyOf(addresses.keySet())))),
                                addresses)),
                optionalText("export"),
                optionalText("tls-creds"),
                optionalText("tls-hostname"),
                optionalText("x-dirty-bitmap"),
                optional("reconnect-delay", UINT32),
                optional("open-timeout", UINT32));
    }

    private static List<Parameter> blkdebug() {
        Parameter.Type inject = new Parameter.Type.Struct(List.of(
                required("event", EVENT),
                optional("state", WHOLE),
                optional("iotype", choice("read", "write", "write-zeroes", "discard", "flush", "block-status")),
                optional("errno", WHOLE),
                optional("sector", WHOLE),
                optionalFlag("once"),
                optionalFlag("immediately")));
        Parameter.Type state = new Parameter.Type.Struct(
                List.of(required("event", EVENT), optional("state", WHOLE), required("new_state", WHOLE)));
        Parameter.Type permissions =
                new Parameter.Type.ListOf(choice("consistent-read", "write", "write-unchanged", "resize", "graph-mod"));
        return List.of(
                required("image", REFERENCE),
                optionalText("config"),
                optional("align", WHOLE),
                optional("max-transfer", INT32),
                optional("opt-write-zero", INT32),
                optional("max-write-zero", INT32),
                optional("opt-discard", INT32),
                optional("max-discard", INT32),
                optional("inject-error", new Parameter.Type.ListOf(inject)),
                optional("set-state", new Parameter.Type.ListOf(state)),
                optional("take-child-perms", permissions),
                optional("unshare-child-perms", permissions));
    }
}
