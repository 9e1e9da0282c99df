# Sourced by ./check and ./varve: finds a JDK 25 or newer and exports it as JAVA_HOME.

jdk_is_new_enough() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    local version
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
    [ "${version:-0}" -ge 25 ]
}

# Looks at the user's JAVA_HOME, the javac on the PATH, and the folder where the distribution keeps its JVMs.
find_jdk() {
    local candidate on_path
    on_path=$(command -v javac || true)
    [ -z "$on_path" ] || on_path=$(dirname "$(dirname "$(readlink -f "$on_path")")")
    for candidate in "${JAVA_HOME:-}" "$on_path" /usr/lib/jvm/*; do
        if [ -n "$candidate" ] && jdk_is_new_enough "$candidate"; then
            export JAVA_HOME=$candidate
            return
        fi
    done
    echo "$1: Varve needs a JDK 25 or newer: install one (for example Eclipse Temurin's package temurin-25-jdk," \
        "see adoptium.net), or set JAVA_HOME to it." >&2
    exit 1
}
