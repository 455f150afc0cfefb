# shellcheck shell=bash
# lib.sh: what the scripts of this folder share. Sourced, never run: it goes to the top of the repository and offers
# need_packages (installs what is missing), build_kind (configures and compiles) and binary_of (where a server is).

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The only list of Debian packages. llhttp is a library from Debian 13 on; Debian 12 has its C sources in node-llhttp.
llhttp_package()
{
    if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release 2>/dev/null; then
        echo node-llhttp
    else
        echo libllhttp-dev
    fi
}
packages_run=(gcc libc6-dev meson ninja-build pkgconf libuv1-dev "$(llhttp_package)" libck-dev libcjson-dev
    libsqlite3-dev libmongoc-dev libxxhash-dev libhiredis-dev libssl-dev libcurl4-openssl-dev tzdata
    curl)
packages_test=("${packages_run[@]}" libcmocka-dev haproxy python3-pymongo python3-pytest python3-venv python3-yaml redis-tools openssl
    clang clang-format clang-tidy libclang-rt-dev llvm)

fail()
{
    echo "$*" >&2
    exit 1
}

# Runs a command as root: directly, or by a sudo that asks no password.
as_root()
{
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# need_packages PACKAGE...: installs those that are missing; without the right to, says which and how, and ends with 1.
need_packages()
{
    if ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian: the build goes on and names what it misses (on Debian: $*)." >&2
        return
    fi
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
        fail "Packages are missing; install them and start again:" \
            "sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
    echo "Installing by apt: ${missing[*]}"
    as_root apt-get update -qq || echo "apt-get update failed; trying with the lists at hand." >&2
    as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "apt-get could not install: ${missing[*]}"
}

# build_dir_of KIND: the folder of a build; `release` is plain build/.
build_dir_of()
{
    if [ "$1" = release ]; then echo build; else echo "build-$1"; fi
}

binary_of()
{
    echo "$(build_dir_of "$1")/telemetry-server"
}

# build_options KIND: the meson options of a build, one a line.
build_options()
{
    case "$1" in
    release) printf '%s\n' --buildtype=release -Dtests=false ;;
    debug) printf '%s\n' --buildtype=debug ;;
    asan) printf '%s\n' -Dwerror=true -Db_sanitize=address,undefined -Db_lundef=false ;;
    tsan) printf '%s\n' -Dwerror=true -Db_sanitize=thread -Db_lundef=false ;;
    clang) printf '%s\n' -Dwerror=true --buildtype=debug ;;
    gcc) printf '%s\n' -Dwerror=true --buildtype=release ;;
    fuzz) printf '%s\n' -Dwerror=true -Dtests=false -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args=-fsanitize=fuzzer-no-link ;;
    coverage) printf '%s\n' --buildtype=debug "-Dc_args=-fprofile-instr-generate -fcoverage-mapping" \
        -Dc_link_args=-fprofile-instr-generate ;;
    *) fail "No such build: $1 (there are release, debug, asan, tsan, clang, gcc, fuzz and coverage)" ;;
    esac
}

# build_kind KIND [TARGET...]: configures once, then compiles what changed, or the targets named. Shows what it says only
# when it fails.
build_kind()
{
    local kind=$1 dir options log
    dir=$(build_dir_of "$kind")
    mapfile -t options < <(build_options "$kind")
    mkdir -p "$dir"
    log=$dir/last-build.txt
    if [ ! -f "$dir/build.ninja" ]; then
        local compiler=gcc
        case $kind in clang | fuzz | coverage) compiler=clang ;; esac
        CC=${CC:-$compiler} meson setup "$dir" "${options[@]}" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
    fi
    ninja --quiet -C "$dir" "${@:2}" >"$log" 2>&1 || { sed -n '/FAILED:\|ERROR:\|ninja: error/,$p' "$log" >&2; return 1; }
}
