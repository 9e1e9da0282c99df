# Sourced by ./check and ./varve: finds a JDK 25 or newer and exports it as JAVA_HOME.

jdk_version() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] &&
        sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

jdk_is_new_enough() {
    local version
    version=$(jdk_version "$1") && [ "${version:-0}" -ge 25 ]
}

# The JAVA_HOME that the user chose, then the java on the PATH, then the folder where the distribution keeps its JVMs.
find_jdk() {
    local candidate java_on_path
    java_on_path=$(command -v javac || true)
    [ -z "$java_on_path" ] || java_on_path=$(dirname "$(dirname "$(readlink -f "$java_on_path")")")
    for candidate in "${JAVA_HOME:-}" "$java_on_path" /usr/lib/jvm/*25* /usr/lib/jvm/*; do
        if [ -n "$candidate" ] && jdk_is_new_enough "$candidate"; then
            export JAVA_HOME=$candidate
            return
        fi
    done
    echo "Varve needs a JDK 25 or newer: install one (for example Eclipse Temurin 25, package temurin-25-jdk" \
        "of adoptium.net) or point JAVA_HOME at it." >&2
    exit 1
}
