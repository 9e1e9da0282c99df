package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Checks arguments against their declaration, in the order and the words of QEMU's qobject-input-visitor. */
final class ArgumentCheck {
    private static final BigInteger INT64_MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger INT64_MAX = BigInteger.valueOf(Long.MAX_VALUE);
    private static final BigInteger UINT64_MAX = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);
    private static final BigInteger INT32_MIN = BigInteger.valueOf(Integer.MIN_VALUE);
    private static final BigInteger INT32_MAX = BigInteger.valueOf(Integer.MAX_VALUE);
    private static final BigInteger UINT32_MAX = BigInteger.TWO.pow(32).subtract(BigInteger.ONE);
    private static final Parameter.Type TEXT = new Parameter.Type.Text();

    private ArgumentCheck() {}

    /** Checks a command's arguments. */
    static void check(ObjectNode arguments, Parameter.Type type) throws QmpException {
        members(arguments, type, "");
    }

    private static void members(ObjectNode object, Parameter.Type type, String prefix) throws QmpException {
        switch (type) {
            case Parameter.Type.Struct(List<Parameter> members) -> check(object, members, prefix);
            case Parameter.Type.Union union -> check(object, chosen(object, union, prefix), prefix);
            case Parameter.Type.Named(String _, Supplier<Parameter.Type> meaning) ->
                members(object, meaning.get(), prefix);
            default -> throw new IllegalArgumentException(type + " has no members");
        }
    }

    /** All members that a union has, with what its tag says. */
    private static List<Parameter> chosen(ObjectNode object, Parameter.Type.Union union, String prefix)
            throws QmpException {
        // What's wrong with the base comes first, whatever the tag is.
        checkPresent(object, union.base(), prefix);
        String tag = Objects.requireNonNull(object.get(union.tag())).textValue();
        List<Parameter> branch = Objects.requireNonNull(union.branches().get(tag));
        return Stream.concat(union.base().stream(), branch.stream()).toList();
    }

    /**
     * Checks all members.
     *
     * @param prefix of the members' names: empty, or as {@code actions[0].}
     */
    static void check(ObjectNode arguments, List<Parameter> parameters, String prefix) throws QmpException {
        checkPresent(arguments, parameters, prefix);
        for (Map.Entry<String, JsonNode> member : arguments.properties()) {
            if (parameters.stream().noneMatch(p -> p.name().equals(member.getKey()) || isRest(p))) {
                throw QmpException.generic("Parameter '" + prefix + member.getKey() + "' is unexpected");
            }
        }
    }

    private static void checkPresent(ObjectNode arguments, List<Parameter> parameters, String prefix)
            throws QmpException {
        for (Parameter parameter : parameters) {
            JsonNode value = arguments.get(parameter.name());
            if (value != null) {
                check(value, parameter.type(), prefix + parameter.name(), parameter.name());
            } else if (parameter.isRequired()) {
                throw missing(prefix + parameter.name());
            }
        }
    }

    /** @param bareName what some of QEMU's messages name instead of the whole path */
    private static void check(JsonNode value, Parameter.Type type, String path, String bareName) throws QmpException {
        switch (type) {
            case Parameter.Type.Text _ -> expect(value.isTextual(), path, "string");
            case Parameter.Type.Rest _ -> {}
            case Parameter.Type.Flag _ -> expect(value.isBoolean(), path, "boolean");
            case Parameter.Type.Whole _ -> checkInt64(value, path);
            case Parameter.Type.Null _ -> expect(value.isNull(), path, "null");
            case Parameter.Type.Uint64 _ -> checkUint64(value, path);
            case Parameter.Type.Uint32 _ -> checkUint32(value, path, bareName);
            case Parameter.Type.Int32 _ -> checkInt32(value, path, bareName);
            case Parameter.Type.Choice(List<String> values) -> checkChoice(value, values, path, bareName);
            case Parameter.Type.Struct _, Parameter.Type.Union _ -> {
                expect(value.isObject(), path, "object");
                members((ObjectNode) value, type, path + ".");
            }
            case Parameter.Type.Named(String _, Supplier<Parameter.Type> meaning) ->
                check(value, meaning.get(), path, bareName);
            case Parameter.Type.Alternate alternate -> {
                Optional<Parameter.Type> kind = alternate.kinds().stream()
                        .filter(each -> isOfKind(value, each))
                        .findFirst();
                // Such a message names it without its place.
                expect(kind.isPresent(), bareName, alternate.name());
                check(value, kind.orElseThrow(), path, bareName);
            }
            case Parameter.Type.ListOf(Parameter.Type element) -> {
                expect(value.isArray(), path, "array");
                for (int index = 0; index < value.size(); index++) {
                    check(Objects.requireNonNull(value.get(index)), element, path + "[" + index + "]", "null");
                }
            }
            case Parameter.Type.TextOrStruct choice -> check(value, choice.asAlternate(), path, bareName);
            case Parameter.Type.Tagged(Map<String, List<Parameter>> branches) -> checkTagged(value, branches, path);
        }
    }

    /** What a choice between JSON types goes by. */
    private static boolean isOfKind(JsonNode value, Parameter.Type type) {
        return switch (type) {
            case Parameter.Type.Text _, Parameter.Type.Choice _ -> value.isTextual();
            case Parameter.Type.Null _ -> value.isNull();
            case Parameter.Type.Flag _ -> value.isBoolean();
            case Parameter.Type.ListOf _ -> value.isArray();
            case Parameter.Type.Whole _, Parameter.Type.Uint64 _, Parameter.Type.Uint32 _, Parameter.Type.Int32 _ ->
                value.isNumber();
            default -> value.isObject();
        };
    }

    private static void checkInt64(JsonNode value, String path) throws QmpException {
        expect(value.isIntegralNumber() && isWithin(value.bigIntegerValue(), INT64_MIN, INT64_MAX), path, "integer");
    }

    private static void checkInt32(JsonNode value, String path, String bareName) throws QmpException {
        checkInt64(value, path);
        if (!isWithin(value.bigIntegerValue(), INT32_MIN, INT32_MAX)) {
            throw QmpException.generic("Parameter '" + bareName + "' expects int32_t");
        }
    }

    private static void checkUint64(JsonNode value, String path) throws QmpException {
        if (!value.isIntegralNumber() || !isWithin(value.bigIntegerValue(), INT64_MIN, UINT64_MAX)) {
            throw QmpException.generic("Parameter '" + path + "' expects uint64");
        }
    }

    private static void checkUint32(JsonNode value, String path, String bareName) throws QmpException {
        checkUint64(value, path);
        if (!isWithin(value.bigIntegerValue(), BigInteger.ZERO, UINT32_MAX)) {
            throw QmpException.generic("Parameter '" + bareName + "' expects uint32_t");
        }
    }

    private static void checkChoice(JsonNode value, List<String> values, String path, String bareName)
            throws QmpException {
        expect(value.isTextual(), path, "string");
        if (!values.contains(value.textValue())) {
            throw QmpException.generic(
                    "Parameter '" + bareName + "' does not accept value '" + value.textValue() + "'");
        }
    }

    private static void checkTagged(JsonNode value, Map<String, List<Parameter>> branches, String path)
            throws QmpException {
        expect(value.isObject(), path, "object");
        ObjectNode tagged = (ObjectNode) value;
        JsonNode type = tagged.get("type");
        if (type == null) {
            throw missing(path + ".type");
        }
        checkChoice(type, List.copyOf(branches.keySet()), path + ".type", "type");
        List<Parameter> data = Objects.requireNonNull(branches.get(type.textValue()));
        check(
                tagged,
                List.of(Parameter.required("type", TEXT), Parameter.required("data", new Parameter.Type.Struct(data))),
                path + ".");
    }

    private static boolean isRest(Parameter parameter) {
        return parameter.name().isEmpty() && parameter.type() instanceof Parameter.Type.Rest;
    }

    private static boolean isWithin(BigInteger value, BigInteger min, BigInteger max) {
        return value.compareTo(min) >= 0 && value.compareTo(max) <= 0;
    }

    private static void expect(boolean holds, String path, String type) throws QmpException {
        if (!holds) {
            throw QmpException.generic("Invalid parameter type for '" + path + "', expected: " + type);
        }
    }

    private static QmpException missing(String path) {
        return QmpException.generic("Parameter '" + path + "' is missing");
    }
}
