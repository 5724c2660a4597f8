"""The packages that are scanned: their names for pip and for import.

    python -m benchmarks.published.packages        prints what to give to pip

They are installed without their dependencies, as several pin old versions of NumPy or Numba.
"""

from __future__ import annotations

PACKAGES = {
    "umap-learn==0.5.12": "umap",
    "financepy==1.1.2": "financepy",
    "arch==8.0.0": "arch",
    "hapsira==0.18.0": "hapsira",
    "choclo==0.3.2": "choclo",
    "disba==0.7.0": "disba",
    "aeon": "aeon",
    "clifford": "clifford",
    "cubic-spline": "cubic_spline",
    "fastdist": "fastdist",
    "fynance": "fynance",
    "interpolation": "interpolation",
    "kearsley-numba": "kearsley_numba",
    "lumafit": "lumafit",
    "noblegasmd": "noblegasmd",
    "numba-extinction": "numba_extinction",
    "numba-quaternion": "numba_quaternion",
    "numba-stats": "numba_stats",
    "numbacs": "numbacs",
    "numbagg": "numbagg",
    "numbatalib": "numbatalib",
    "pyakima": "pyakima",
    "pynndescent": "pynndescent",
    "quantecon": "quantecon",
    "quaternionic": "quaternionic",
    "radis": "radis",
    "rapid-roots": "rapid_roots",
    "regridding": "regridding",
    "resampy": "resampy",
    "sparse": "sparse",
    "stumpy": "stumpy",
    "ta-numba": "ta_numba",
    "vanilla-option-pricers": "vanilla_option_pricers",
    "xarray-spatial": "xrspatial",
    "yennefer": "yennefer",
}

# What the packages above import, installed without dependencies too.
NEEDED = [
    *("astropy", "astropy-iers-data", "cloudpickle", "colorcet", "contourpy", "cycler", "dask"),
    *(
        "datashader",
        "deprecated",
        "flexcache",
        "flexparser",
        "fonttools",
        "h5py",
        "joblib",
        "kiwisolver",
    ),
    *("matplotlib", "multipledispatch", "narwhals", "packaging", "pandas", "param", "patsy"),
    *("pillow", "pint", "platformdirs", "pyct", "pyerfa", "pyparsing", "python-dateutil", "pytz"),
    *("pyyaml", "scikit-learn", "scipy", "six", "statsmodels", "threadpoolctl", "toolz", "tqdm"),
    *("typing-extensions", "wrapt", "xarray"),
]

if __name__ == "__main__":
    print("--no-deps", *PACKAGES, *NEEDED)
