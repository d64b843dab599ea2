using Microsoft.Extensions.Hosting;

namespace AstStream.Station.Web;

/// <summary>The life of a host that somebody else begins and ends: no signal is heard here.</summary>
public sealed class GivenLifetime : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
