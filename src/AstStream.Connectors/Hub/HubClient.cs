using System.Buffers;
using System.Net;
using System.Text.Json;

namespace AstStream.Connectors.Hub;

/// <summary>
/// Downloads a model's files into the shared cache: resumed where a download was cut, checked for size and hash, and never trusted to
/// name a path. The routes are the Hugging Face hub's: /api/models/…/revision/… and /…/resolve/….
/// </summary>
public sealed class HubClient : IDisposable
{
    private const string Config = "config.json";
    private const string Adapter = "adapter_config.json";
    private const string Index = ".index.json";

    private static readonly string[] s_extractors = ["preprocessor_config.json", "processor_config.json"];
    private static readonly string[] s_weights = ["model.safetensors", "pytorch_model.bin"];

    private readonly HubOptions _options;
    private readonly HubHttp _http;

    /// <summary>Makes a client.</summary>
    public HubClient(HubOptions options)
    {
        _options = options;
        _http = new HubHttp(options);
    }

    /// <summary>Brings a model's configuration and weights into the cache.</summary>
    /// <returns>The snapshot's folder.</returns>
    /// <exception cref="HubException">It can't be had.</exception>
    public async Task<string> DownloadAsync(HubReference model, IProgress<HubProgress>? progress, CancellationToken cancellation)
    {
        var cache = new HubCache(_options.CacheFolder, model);
        if (_options.IsOffline)
            return FromCache(cache, model);
        try
        {
            var (commit, files) = await ListAsync(model, cancellation).ConfigureAwait(false);
            if (files.Contains(Adapter) && !files.Contains(Config))
                throw new HubException($"{model}: is an adapter of PEFT (LoRA and the like), which is no model by itself: merge it into "
                    + $"the one that it was trained on with merge_and_unload(), save that, and import the folder");
            foreach (var file in (string[])[Config, s_extractors.FirstOrDefault(files.Contains) ?? s_extractors[0]])
                await FetchAsync(model, cache, commit, Known(model, files, file), progress, cancellation).ConfigureAwait(false);
            if (Weights(files) is not { } weights)
                throw new HubException($"{model}: has neither {string.Join(" nor ", s_weights)}; it is no model that transformers saved");
            var path = await FetchAsync(model, cache, commit, weights, progress, cancellation).ConfigureAwait(false);
            if (!weights.EndsWith(Index, StringComparison.Ordinal))
                return Done();
            foreach (var shard in Shards(model, path))
                await FetchAsync(model, cache, commit, Known(model, files, shard), progress, cancellation).ConfigureAwait(false);
            return Done();

            string Done()
            {
                cache.Remember(commit);
                return cache.Snapshot(commit);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HubException(
                $"{model}: the cache {_options.CacheFolder} can't be written: {e.Message}. HF_HUB_CACHE names another folder");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static string FromCache(HubCache cache, HubReference model)
    {
        if (cache.KnownCommit() is { } commit && cache.Snapshot(commit) is var folder && Directory.Exists(folder))
        {
            var files = Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)!).ToHashSet(StringComparer.Ordinal);
            if (files.Contains(Config) && s_extractors.Any(files.Contains) && Weights(files) is not null)
                return folder;
        }

        throw new HubException($"{model}: is not in the cache, or not whole, and HF_HUB_OFFLINE forbids to download it");
    }

    /// <summary>The file of the weights, or the index of their shards: by its usual name, or the only one of its kind.</summary>
    private static string? Weights(HashSet<string> files)
    {
        if (s_weights.SelectMany(w => (string[])[w, w + Index]).FirstOrDefault(files.Contains) is { } usual)
            return usual;
        var lone = files.Where(f => f.EndsWith(".safetensors", StringComparison.Ordinal) && f == Path.GetFileName(
            f) && !f.StartsWith("adapter_", StringComparison.Ordinal)).Take(2).ToList();
        return lone.Count == 1 ? lone[0] : null;
    }

    private static string Known(HubReference model, HashSet<string> files, string file) =>
        files.Contains(file) ? file : throw new HubException($"{model}: has no {file}; expected an Audio Spectrogram Transformer that "
            + $"transformers saved, with {Config}, {s_extractors[0]} and {s_weights[0]}");

    private static List<string> Shards(HubReference model, string index)
    {
        if (new FileInfo(index).Length > HubFile.MaxJson)
            throw new HubException($"{model}: {Path.GetFileName(index)} is larger than {HubFile.MaxJson} bytes");
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            return [.. json.RootElement.GetProperty("weight_map")
                .EnumerateObject().Select(e => e.Value.GetString() ?? "").Distinct().Select(s =>
                s == Path.GetFileName(s)
                    && (s.EndsWith(".safetensors", StringComparison.Ordinal) || s.EndsWith(".bin", StringComparison.Ordinal)) ? s
                    : throw new HubException($"{model}: {Path.GetFileName(index)} names the shard '{s}'; expected a file beside it"))];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new HubException($"{model}: {Path.GetFileName(index)} has no weight_map from tensors to files");
        }
    }

    private async Task<(string Commit, HashSet<string> Files)> ListAsync(HubReference model, CancellationToken cancellation)
    {
        var uri = new Uri(_options.Endpoint, $"api/models/{model.Owner}/{model.Name}/revision/{Uri.EscapeDataString(model.Revision)}");
        return await _http.RetryAsync(model, uri, async (_, token) =>
        {
            using var response = await _http.SendAsync(model, HttpMethod.Get, uri, 0, follow: true, token).ConfigureAwait(false);
            using var stall = CancellationTokenSource.CreateLinkedTokenSource(token);
            stall.CancelAfter(_options.StallTimeout);
            await response.Content.LoadIntoBufferAsync((int)HubFile.MaxJson, stall.Token).ConfigureAwait(false);
            var bytes = await response.Content.ReadAsByteArrayAsync(stall.Token).ConfigureAwait(false);
            try
            {
                using var json = JsonDocument.Parse(bytes);
                var commit = json.RootElement.GetProperty("sha").GetString() ?? "";
                var files = json.RootElement.GetProperty("siblings")
                    .EnumerateArray().Select(s => s.GetProperty("rfilename").GetString() ?? "").ToHashSet(StringComparer.Ordinal);
                return commit.Length == 40 && commit.All(char.IsAsciiHexDigitLower) ? (commit, files)
                    : throw new HubException($"{model}: {uri.Host} names the commit '{commit}'; expected 40 hexadecimal digits");
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new HubException(
                    $"{model}: {uri.Host} answered with something else than a model's description; is HF_ENDPOINT right?");
            }
        }, cancellation).ConfigureAwait(false);
    }

    private async Task<string> FetchAsync(
        HubReference model, HubCache cache, string commit, string file, IProgress<HubProgress>? progress, CancellationToken cancellation)
    {
        var uri = new Uri(_options.Endpoint, $"{model.Owner}/{model.Name}/resolve/{commit}/{Uri.EscapeDataString(file)}");
        var (etag, size) = await _http.RetryAsync(model, uri, async (_, token) =>
        {
            using var response = await _http.SendAsync(model, HttpMethod.Head, uri, 0, follow: false, token).ConfigureAwait(false);
            return Description(model, file, response);
        }, cancellation).ConfigureAwait(false);
        using var guard = await cache.LockAsync(etag, _options, cancellation).ConfigureAwait(false);
        var blob = cache.Blob(etag);
        if (!File.Exists(blob) || new FileInfo(blob).Length != size)
        {
            var part = cache.Incomplete(etag);
            HubFile.CheckSize(model, file, size, part);
            await _http.RetryAsync(model, uri, async (advance, token) =>
            {
                await AppendAsync(model, uri, file, part, size, progress, advance, token).ConfigureAwait(false);
                return true;
            }, cancellation).ConfigureAwait(false);
            HubFile.CheckHash(model, file, part, etag, size);
            File.Move(part, blob, overwrite: true);
        }

        progress?.Report(new HubProgress(file, size, size));
        return cache.Link(commit, file, etag);
    }

    /// <summary>
    /// A file's hash and size. Large files are kept elsewhere: the hub tells theirs in X-Linked headers beside the redirect.
    /// </summary>
    private static (string ETag, long Size) Description(HubReference model, string file, HttpResponseMessage response)
    {
        string? Header(string name) => response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
        var etag = (Header(HubHttp.LinkedETag) ?? response.Headers.ETag?.Tag ?? Header("ETag") ?? "")
            .Replace("W/", "", StringComparison.Ordinal).Trim('"');
        var size = long.TryParse(Header("X-Linked-Size"), out var linked) ? linked : response.Content.Headers.ContentLength ?? -1;
        if (etag.Length is not (40 or 64) || !etag.All(char.IsAsciiHexDigitLower))
            throw new HubException(
                $"{model}: {file} comes with the ETag '{etag}'; expected its SHA-1 (git) or SHA-256 (large files), by which it is checked");
        return size >= 0 ? (etag, size) : throw new HubException($"{model}: {file} comes without its size, by which it is checked");
    }

    private async Task AppendAsync(
        HubReference model, Uri uri, string file, string part, long size, IProgress<HubProgress>? progress, Action advance,
        CancellationToken cancellation)
    {
        using var output = new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        if (output.Length > size)
            output.SetLength(0);
        if (output.Length == size)
            return;
        using var response = await _http.SendAsync(model, HttpMethod.Get, uri, output.Length, follow: true, cancellation).ConfigureAwait(
            false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            throw new HubException(
                $"{model}: {file}: ends at byte {output.Length}, before the size of {size} that the server tells; its size and its "
                    + $"file differ");
        if (response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From != output.Length)
        {
            output.SetLength(0);
            throw new HttpRequestException("another part was sent than asked for; the file is started over");
        }

        if (response.StatusCode != HttpStatusCode.PartialContent)
            output.SetLength(0); // the server does not know ranges
        output.Seek(0, SeekOrigin.End);
        using var input = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 17);
        try
        {
            while (true)
            {
                using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                stall.CancelAfter(_options.StallTimeout);
                var got = await input.ReadAsync(buffer, stall.Token).ConfigureAwait(false);
                if (got == 0)
                    break;
                if (output.Length + got > size)
                    throw new HubException($"{model}: {file} goes on after its {size} bytes; the server's size and its file differ");
                output.Write(buffer, 0, got);
                advance();
                progress?.Report(new HubProgress(file, output.Length, size));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (output.Length < size)
            throw new HttpRequestException($"the connection ended at byte {output.Length} of {size}");
    }
}
