# One image for every role: web, worker, relay and migrate differ by their command.
FROM python:3.13.9-slim-trixie AS packages
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /app/venv \
    && /app/venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY onboarding ./onboarding
COPY workers ./workers
RUN /app/venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13.9-slim-trixie
# A number, so that an orchestrator can see that it is not root.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin onboarding \
    && install --directory --owner 10001 --mode 0700 /var/lib/onboarding /var/lib/onboarding/keys
COPY --from=packages /app/venv /app/venv
ENV PATH=/app/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ONBOARDING_HOST=0.0.0.0 \
    ONBOARDING_KEYS_DIR=/var/lib/onboarding/keys \
    ONBOARDING_MAIL_DIR=/var/lib/onboarding/mail \
    ONBOARDING_LOG_FORMAT=json
USER 10001
WORKDIR /var/lib/onboarding
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["onboarding", "web"]
