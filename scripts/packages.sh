# Sourced by ./check and ./varve: Debian packages that must be there.

# Arguments: who asks, then PACKAGE:COMMAND pairs; a package whose command is missing gets installed when this is root.
need_packages() {
    local who=$1 missing=() entry
    shift
    for entry in "$@"; do
        PATH=$PATH:/usr/sbin:/sbin command -v "${entry#*:}" >/dev/null || missing+=("${entry%%:*}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "$who: these packages are missing; install them with: sudo apt-get install -y ${missing[*]}" >&2
        exit 1
    fi
    echo "$who: installing ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt_get_install "${missing[@]}" || { apt-get -qq update && apt_get_install "${missing[@]}"; } || {
        echo "$who: could not install ${missing[*]}; apt-get says why above." >&2
        exit 1
    }
}

apt_get_install() {
    apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}
