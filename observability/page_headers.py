"""What a browser may do with a service's page: load, run and ask for only what comes from that service."""


def make_page_headers(*sources: str, camera: str = "") -> dict[str, str]:
    """Headers of a page and its files.

    `sources` are directives of the content security policy for what is taken from elsewhere than the service itself, as
    `img-src 'self' blob:`; `camera` is who may use it, nobody by default.
    """
    policy = [
        "default-src 'self'", *sources, "object-src 'none'", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'",
    ]  # fmt: skip
    return {
        "content-security-policy": "; ".join(policy),
        "permissions-policy": f"camera=({camera}), microphone=(), geolocation=(), display-capture=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        # Asked for again each time and answered with 304: a page never meets the modules of another version.
        "cache-control": "no-cache",
    }
