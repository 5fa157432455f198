"""What events need for as long as the service runs: a deliverer for each organisation."""

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager

from fastapi import FastAPI

from clinical_api.events.deliveries import Deliverer, Metrics
from clinical_api.events.tails import Pulse, ending_at_signals
from clinical_api.events.webhooks import Signer
from clinical_api.settings import Settings
from moiety.kit.tasks import beside


@asynccontextmanager
async def running(
    app: FastAPI, urls: Mapping[str, str], pulses: Mapping[str, Pulse], settings: Settings
) -> AsyncIterator[None]:
    """Deliver to webhooks; end every stream as soon as the process is told to stop."""
    metrics = Metrics(app.state.registry)
    deliverers = [
        Deliverer(
            url, app.state.organisations.reads(name), pulses[name],
            Signer(name, settings.webhook_key), settings, metrics,
        )
        for name, url in urls.items()
    ]  # fmt: skip

    def stop() -> None:
        for pulse in pulses.values():
            pulse.stop()

    with ExitStack() as stack:
        stack.callback(stop)
        stack.enter_context(ending_at_signals(stop))
        async with beside(one.run() for one in deliverers):
            yield
