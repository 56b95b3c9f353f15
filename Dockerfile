# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

COPY requirements/ requirements/
RUN python -m venv /opt/crafter \
    && /opt/crafter/bin/pip install --compile --require-hashes -r requirements/runtime.txt

# The build backend, as it is pinned for development; after this nothing is fetched any more.
RUN awk '/^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/,/[^\\]$/' requirements/dev.txt \
        > requirements/build.txt \
    && pip install --require-hashes -r requirements/build.txt

COPY pyproject.toml README.md LICENSE ./
COPY crafter/ crafter/
COPY indexes/ indexes/
RUN pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/crafter/bin/pip install --compile --no-index --no-deps dist/*.whl


FROM python:3.13-slim

RUN groupadd --system --gid 10001 crafter \
    && useradd --system --uid 10001 --gid crafter --no-create-home --shell /usr/sbin/nologin crafter
COPY --from=build /opt/crafter /opt/crafter

ENV PATH=/opt/crafter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CRAFTER_ENV=production
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '3000') + '/health/live', timeout=2)"]
CMD ["crafter", "serve", "--host", "0.0.0.0"]
