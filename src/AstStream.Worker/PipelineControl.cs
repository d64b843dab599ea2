using System.Security.Cryptography;
using System.Text;
using AstStream.Station.Web;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;

namespace AstStream.Worker;

/// <summary>Changes the file of the pipeline that runs, for the page: as a person with an editor would, and one at a time.</summary>
internal sealed class PipelineControl(PipelineRun run, Reloader reloader, string file, string defaultModel) : IPipelineControl, IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    public string Version => VersionOf(Read());

    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Thresholds => run.Thresholds;

    private string Target => PipelineText.Target(file);

    public IReadOnlyList<PipelineModel> Models => run.Models;

    public Task<string?> SetThresholdAsync(
        string model, string label, double threshold, string version, CancellationToken cancellation) =>
        EditAsync(t => ThresholdEdit.Apply(t, run.HasOneModel ? null : model, label, threshold), version, cancellation);

    public async Task<string?> PromoteAsync(string model, string version, CancellationToken cancellation)
    {
        var refusal = await EditAsync(
            t => run.IsAsTheFileSays(model) ? PromoteEdit.Apply(t, run.HasOneModel ? null : model, defaultModel)
                : throw new InvalidOperationException($"{file} names other models than those that run: it was edited and is not taken over "
                    + "yet, or --set is laid over it; look again in a moment, or run it without --set"),
            version, cancellation).ConfigureAwait(false);
        return refusal is null ? null : $"the two can't be exchanged: {refusal}";
    }

    public void Dispose() => _turn.Dispose();

    /// <summary>Edits the file and takes it over; returns null, or why the file is as it was before.</summary>
    private async Task<string?> EditAsync(Func<string, string> edit, string version, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var before = Read();
            if (VersionOf(before) != version)
                return "the pipeline's file was changed meanwhile; look at it again";
            string edited;
            try
            {
                edited = edit(before);
            }
            catch (InvalidOperationException e)
            {
                return e.Message;
            }

            try
            {
                PipelineText.Replace(Target, edited);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return $"{file}: can't be changed: {e.Message}; by hand it would be {PipelineText.NewLines(before, edited)}";
            }

            if (await reloader.ReloadAsync(isAsked: false).ConfigureAwait(false) is not { } refusal)
                return null;
            PipelineText.Replace(Target, before);
            return refusal;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return "the run has ended; the file says what the next one begins with";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{file}: can't be changed: {e.Message}";
        }
        finally
        {
            _turn.Release();
        }
    }

    private static string VersionOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];

    private string Read() => File.ReadAllText(Target);
}
