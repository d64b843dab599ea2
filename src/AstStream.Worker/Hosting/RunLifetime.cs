using Microsoft.Extensions.Hosting;

namespace AstStream.Worker.Hosting;

/// <summary>
/// The life of a host whose signals are <see cref="RunSignals"/>' affair: these drain the pipeline, and the host ends when the pipeline
/// has.
/// </summary>
internal sealed class RunLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
